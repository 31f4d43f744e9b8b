import CHDF5

/// The HDF5 types that values are stored as; the same types serve in memory, so no bit is converted.
///
/// Valid inside one `HDF5Library.exclusively`; close when done.
struct HDF5Types {
    /// IEEE 754 binary16, which h5py reads as `float16`: 1 sign, 5 exponent (bias 15), 10 mantissa bits.
    let half: hid_t
    /// The enumeration {FALSE, TRUE} over int8, which h5py reads as `bool`.
    let flag: hid_t

    /// Attribute, true on arrays of uint16 that hold the bits of bfloat16, which HDF5 does not know.
    static let brainFloatMark = "bfloat16"

    init() {
        half = H5Tcopy(chdf5_f32())
        H5Tset_fields(half, 15, 10, 5, 0, 10)
        H5Tset_size(half, 2)
        H5Tset_ebias(half, 15)
        flag = H5Tenum_create(chdf5_i8())
        for (name, var value) in [("FALSE", Int8(0)), ("TRUE", Int8(1))] {
            H5Tenum_insert(flag, name, &value)
        }
    }

    func close() {
        for type in [half, flag] { H5Tclose(type) }
    }

    /// UTF-8 text of `count` bytes, padded by NUL to at least one; close when done.
    ///
    /// Not of variable length: that would live in the file's global heap, which has no checksum, and
    /// libhdf5 1.10.8 crashes on damaged ones.
    static func text(count: Int) -> hid_t {
        let type = H5Tcopy(chdf5_c_string())
        H5Tset_size(type, max(count, 1))
        H5Tset_strpad(type, H5T_STR_NULLPAD)
        H5Tset_cset(type, H5T_CSET_UTF8)
        return type
    }

    /// The type that holds elements of `type` in the file.
    func stored(_ type: ElementType) -> hid_t {
        switch type {
        case .f32: chdf5_f32()
        case .bf16: chdf5_u16()
        case .f16: half
        case .f64: chdf5_f64()
        case .i64: chdf5_i64()
        case .i32: chdf5_i32()
        case .u8: chdf5_u8()
        }
    }

    /// The element type that `stored` holds, or nil when it is none of ours.
    func elementType(of stored: hid_t) -> ElementType? {
        ElementType.allCases.first { H5Tequal(self.stored($0), stored) > 0 }
    }
}
