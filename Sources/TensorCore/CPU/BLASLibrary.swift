import COpenBLAS

/// What the loaded OpenBLAS says of itself.
public enum BLASLibrary {
    /// Version and build options, as in `OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH NO_AFFINITY Haswell`.
    public static var configuration: String { openblas_get_config().map { String(cString: $0) } ?? "" }

    /// Name of the processor whose kernels are in use, such as `Haswell`.
    public static var kernels: String { openblas_get_corename().map { String(cString: $0) } ?? "" }

    /// Whether it was built to use several threads.
    public static var isThreaded: Bool { openblas_get_parallel() != 0 }
}
