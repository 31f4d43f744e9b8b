import CHDF5
import Foundation

/// Conversion between a state tree and the bytes of an HDF5 file.
///
/// libhdf5 works on memory alone, through its `core` driver: a full disk or an I/O error cannot strike inside
/// the library, which would not recover from it; no file locking is asked of NFS or Lustre; and the bytes
/// whose digest was checked are the bytes that are parsed.
public enum HDF5Image {
    /// The file that holds `tree`: a group per inner path, a contiguous dataset per array and text, an
    /// attribute of the group per number and flag.
    ///
    /// Equal trees give equal bytes.
    public static func encode(_ tree: StateTree) throws -> [UInt8] {
        try HDF5Library.exclusively {
            let capture = UnsafeMutablePointer<CapturedImage>.allocate(capacity: 1)
            capture.initialize(to: CapturedImage())
            defer {
                free(capture.pointee.memory)
                capture.deallocate()
            }
            try HDF5Writer.write(tree, access: accessProperties(capturing: capture))
            return try capture.pointee.fileBytes()
        }
    }

    /// The tree in the file `bytes`.
    ///
    /// Throws `HDF5Error` for anything that `encode` does not write.
    public static func decode(_ bytes: [UInt8]) throws -> StateTree {
        try HDF5Library.exclusively {
            if bytes.isEmpty { throw HDF5Error(operation: "open", path: "", reason: "the file is empty") }
            let access = H5Pcreate(chdf5_file_access())
            defer { H5Pclose(access) }
            H5Pset_fapl_core(access, CapturedImage.increment, false)
            H5Pset_fclose_degree(access, H5F_CLOSE_STRONG)
            var image = bytes
            try HDF5Library.succeeded(H5Pset_file_image(access, &image, image.count), "open")
            let file = try HDF5Library.opened(H5Fopen("state", chdf5_read_only(), access), "open")
            defer { H5Fclose(file) }
            var reader = HDF5Reader(file: file, byteLimit: bytes.count)
            return try reader.read()
        }
    }

    /// Access through memory that hands the finished file to `capture`.
    ///
    /// `H5Fget_file_image` would be simpler, but clears a flag of the superblock without renewing its
    /// checksum (1.10.8), so no reader opens its result.
    private static func accessProperties(capturing capture: UnsafeMutablePointer<CapturedImage>) -> hid_t {
        let access = H5Pcreate(chdf5_file_access())
        H5Pset_fapl_core(access, CapturedImage.increment, false)
        H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110)
        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG)
        var callbacks = H5FD_file_image_callbacks_t(
            image_malloc: { size, _, _ in malloc(size) },
            image_memcpy: nil,
            image_realloc: { memory, size, _, data in
                data?.assumingMemoryBound(to: CapturedImage.self).pointee.capacity = size
                return realloc(memory, size)
            },
            image_free: { memory, operation, data in
                if operation == H5FD_FILE_IMAGE_OP_FILE_CLOSE {
                    data?.assumingMemoryBound(to: CapturedImage.self).pointee.memory = memory
                } else {
                    free(memory)
                }
                return 0
            },
            udata_copy: { $0 }, udata_free: { _ in 0 }, udata: capture)
        H5Pset_file_image_callbacks(access, &callbacks)
        return access
    }
}

/// The memory that the `core` driver leaves behind when it closes a new file.
private struct CapturedImage {
    /// Growth of the image while it is written, in bytes.
    static let increment = 1 << 20

    var memory: UnsafeMutableRawPointer?
    var capacity = 0

    /// The file without the unused end of its memory.
    ///
    /// A superblock of version 3, which the library bounds guarantee, holds the end-of-file address at byte
    /// 28.
    func fileBytes() throws -> [UInt8] {
        guard let memory, capacity >= 48,
            let end = Int(exactly: memory.loadUnaligned(fromByteOffset: 28, as: UInt64.self)), end <= capacity
        else { throw HDF5Error(operation: "close", path: "", reason: "no complete image was produced") }
        return Array(UnsafeRawBufferPointer(start: memory, count: end))
    }
}
