import TensorCore

/// Element type of an array in a checkpoint; the raw value is the name that files and messages carry.
public enum ElementType: String, Sendable, CaseIterable, Codable {
    case f32, bf16, f16, f64, i64, i32, u8

    /// Bytes of one element.
    public var byteWidth: Int {
        switch self {
        case .u8: 1
        case .bf16, .f16: 2
        case .f32, .i32: 4
        case .f64, .i64: 8
        }
    }

    /// The element type that stores tensors of `dtype`; nil when checkpoints have none for it.
    public init?(_ dtype: DType) {
        self.init(rawValue: dtype.name)
    }

    /// The tensor type of these elements; nil for `i64` and `u8`, which tensors do not have.
    public var dtype: DType? { DType(name: rawValue) }
}

/// A Swift number whose arrays a checkpoint can hold. (bfloat16 has no Swift type: use raw bytes.)
public protocol StateElement: BitwiseCopyable, Sendable {
    static var elementType: ElementType { get }
}

extension Float: StateElement {
    public static var elementType: ElementType { .f32 }
}

extension Double: StateElement {
    public static var elementType: ElementType { .f64 }
}

extension Float16: StateElement {
    public static var elementType: ElementType { .f16 }
}

extension Int64: StateElement {
    public static var elementType: ElementType { .i64 }
}

extension Int32: StateElement {
    public static var elementType: ElementType { .i32 }
}

extension UInt8: StateElement {
    public static var elementType: ElementType { .u8 }
}
