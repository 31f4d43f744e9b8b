/// Element type of a tensor, known at run time.
///
/// `bfloat16` and `float16` are storage types: kernels widen to `float32`, compute, and round back.
/// `float64` exists on the CPU only, for gradient checks and closed forms.
public enum DType: Int32, Sendable, CaseIterable, Codable {
    case float32 = 0
    case bfloat16 = 1
    case float16 = 2
    case float64 = 3
    /// Indices (embedding rows, time steps); no arithmetic.
    case int32 = 4

    /// Bytes of one element.
    public var byteWidth: Int {
        switch self {
        case .float32, .int32: 4
        case .bfloat16, .float16: 2
        case .float64: 8
        }
    }

    /// The name users type and files carry: `f32`, `bf16`, `f16`, `f64`, `i32`.
    public var name: String {
        switch self {
        case .float32: "f32"
        case .bfloat16: "bf16"
        case .float16: "f16"
        case .float64: "f64"
        case .int32: "i32"
        }
    }

    /// Whether values of this type take part in a product with weights stored as `weight`.
    ///
    /// Either the same type, or weights of two bytes against wider values.
    package func computes(with weight: DType) -> Bool {
        self == weight || (weight.byteWidth == 2 && (self == .float32 || self == .float64))
    }

    public init?(name: String) {
        guard let match = DType.allCases.first(where: { $0.name == name }) else { return nil }
        self = match
    }
}
