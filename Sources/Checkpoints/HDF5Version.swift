import CHDF5

/// The HDF5 library this program runs with.
public enum HDF5Version {
    /// As in `1.10.8`.
    public static var text: String {
        HDF5Library.exclusively {
            var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
            guard H5get_libversion(&major, &minor, &release) >= 0 else { return "" }
            return "\(major).\(minor).\(release)"
        }
    }
}
