internal import COpenMPI

/// The MPI library this program runs with.
public enum MPILibrary {
    /// What the library says of itself, as in `Open MPI v4.1.4, package: …`; MPI need not have been started.
    public static var version: String {
        var text = [CChar](repeating: 0, count: Int(saddle_mpi_version_capacity()))
        var length: Int32 = 0
        guard MPI_Get_library_version(&text, &length) == MPI_SUCCESS else { return "" }
        return String(decoding: text.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
