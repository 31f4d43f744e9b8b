import TensorCore

/// A frozen two-dimensional convolution with bias.
///
/// - Shapes: x `[N, H, W, I]`, y `[N, P, Q, O]`; weight `[O, kh, kw, I]` here and `[O, I, kh, kw]` in files.
public final class Conv2d: Module {
    public let weight: Parameter
    public let bias: Parameter
    public let stride: Int
    public let padding: Padding

    /// - Parameter padding: half the kernel on all sides if nil, which keeps the size at stride 1.
    public init(
        _ source: ParameterSource, _ inputs: Int, _ outputs: Int, kernel: Int = 3, stride: Int = 1,
        padding: Padding? = nil
    ) {
        weight = source.convolutionWeight("weight", [outputs, inputs, kernel, kernel])
        bias = source("bias", [outputs])
        self.stride = stride
        self.padding = padding ?? Padding(kernel / 2)
    }

    /// - Parameter addend: added to the result, broadcast to its shape.
    public func callAsFunction(_ x: Tensor, adding addend: Tensor? = nil) -> Tensor {
        conv2d(x, weight.value, bias.value, stride: stride, padding: padding, adding: addend)
    }

    public var namedParameters: [NamedParameter] {
        [NamedParameter("weight", weight), NamedParameter("bias", bias)]
    }
}
