/// Convolutions of a device's op table; images `[N, H, W, C]`, weights `[O, kh, kw, I]`.
public protocol ConvolutionKernels {
    /// y = x ∗ w + bias, or + what y holds instead of the bias if `accumulates`; w may be narrower than x.
    func convolve(
        _ convolution: Convolution, _ x: Tensor, _ weight: Tensor, bias: Tensor?, accumulates: Bool,
        into y: Tensor)
    /// dx from dy.
    func convolveInputAdjoint(_ convolution: Convolution, _ dy: Tensor, _ weight: Tensor, into dx: Tensor)
    /// dw from x and dy, all of one type.
    func convolveWeightAdjoint(_ convolution: Convolution, _ x: Tensor, _ dy: Tensor, into dw: Tensor)
}

/// Zeros around an image, in pixels.
public struct Padding: Hashable, Sendable {
    public var top: Int
    public var bottom: Int
    public var left: Int
    public var right: Int

    public init(top: Int = 0, bottom: Int = 0, left: Int = 0, right: Int = 0) {
        (self.top, self.bottom, self.left, self.right) = (top, bottom, left, right)
    }

    /// The same on all sides.
    public init(_ all: Int) { self.init(top: all, bottom: all, left: all, right: all) }
}

/// Sizes of a two-dimensional convolution.
public struct Convolution: Hashable, Sendable {
    public let images: Int
    public let height: Int
    public let width: Int
    /// I and O.
    public let channels: Int
    public let outputs: Int
    public let kernelHeight: Int
    public let kernelWidth: Int
    public let stride: Int
    public let padding: Padding

    public var outHeight: Int { (height + padding.top + padding.bottom - kernelHeight) / stride + 1 }
    public var outWidth: Int { (width + padding.left + padding.right - kernelWidth) / stride + 1 }

    init(input: Shape, weight: Shape, stride: Int, padding: Padding) {
        (images, height, width, channels) = (input[0], input[1], input[2], input[3])
        (outputs, kernelHeight, kernelWidth) = (weight[0], weight[1], weight[2])
        (self.stride, self.padding) = (stride, padding)
    }

    var output: Shape { [images, outHeight, outWidth, outputs] }
}

/// y[n, p, q, o] = Σ w[o, u, v, i] · x[n, s·p + u − top, s·q + v − left, i] + b[o] + r[n, p, q, o].
///
/// - Shapes: x `[N, H, W, I]`, weight `[O, kh, kw, I]` (`channelsLastWeight` makes it from a file's; bf16 or f16 also
///   where x is wider, as the bias), bias `[O]`, y `[N, P, Q, O]`; the addend r broadcasts to y.
public func conv2d(
    _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: Int = 1, padding: Padding = Padding(),
    adding addend: Tensor? = nil
) -> Tensor {
    let bias = bias?.cast(to: x.dtype)
    let convolution = checkedConvolution(x, weight, bias, stride, padding, addend)
    let y = x.emptyLike(shape: convolution.output)
    if let addend { y.fill(withSumOf: addend.detached, bias?.detached) }
    x.backend.convolve(
        convolution, x.detached, weight.detached, bias: addend == nil ? bias?.detached : nil,
        accumulates: addend != nil, into: y)

    let (savedX, savedWeight) = (x.saved(if: weight.isTracked), weight.saved(if: x.isTracked))
    let added = [bias, addend].compactMap { $0 }
    let (source, filters, storedAs) = (x.shape, weight.shape, weight.dtype)
    return y.recorded(from: [x, weight] + added) { [added = added.map(Operand.init)] dy in
        let dx = savedWeight.map { weight in
            let dx = dy.emptyLike(shape: source)
            dy.backend.convolveInputAdjoint(convolution, dy, weight, into: dx)
            return dx
        }
        let dw = savedX.map { x in
            let dw = dy.emptyLike(shape: filters)
            dy.backend.convolveWeightAdjoint(convolution, x, dy, into: dw)
            return dw.cast(to: storedAs)
        }
        return [dx, dw] + added.map { $0.gradient(dy) }
    }
}

extension Tensor {
    /// A file's convolution weight `[O, I, kh, kw]` as `[O, kh, kw, I]`.
    public var channelsLastWeight: Tensor { permuted([0, 2, 3, 1]) }

    /// A weight `[O, kh, kw, I]` as files hold it, `[O, I, kh, kw]`.
    public var channelsFirstWeight: Tensor { permuted([0, 3, 1, 2]) }

    /// Images `[N, C, H, W]` as `[N, H, W, C]`.
    public var channelsLast: Tensor { permuted([0, 2, 3, 1]) }

    /// Images `[N, H, W, C]` as `[N, C, H, W]`.
    public var channelsFirst: Tensor { permuted([0, 3, 1, 2]) }
}

private func checkedConvolution(
    _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ stride: Int, _ padding: Padding, _ addend: Tensor?
) -> Convolution {
    precondition(
        x.shape.rank == 4 && weight.shape.rank == 4 && x.shape.last == weight.shape.last
            && x.dtype.computes(with: weight.dtype),
        "conv2d: x \(x.shape) \(x.dtype.name) does not fit weight \(weight.shape) \(weight.dtype.name)")
    let sides = [padding.top, padding.bottom, padding.left, padding.right]
    precondition(
        stride > 0 && sides.allSatisfy { $0 >= 0 },
        "conv2d: needs a positive stride and no negative padding, got \(stride) and \(padding)")
    let convolution = Convolution(input: x.shape, weight: weight.shape, stride: stride, padding: padding)
    precondition(
        x.shape[1] + padding.top + padding.bottom >= weight.shape[1]
            && x.shape[2] + padding.left + padding.right >= weight.shape[2],
        "conv2d: kernel \(weight.shape) is larger than the padded image \(x.shape)")
    precondition(
        bias.map { $0.shape == [weight.shape[0]] } ?? true,
        "conv2d: bias \(bias?.shape ?? []) does not fit weight \(weight.shape)")
    if let addend {
        precondition(
            Shape.broadcast(addend.shape, convolution.output) == convolution.output
                && addend.dtype == x.dtype,
            "conv2d: addend \(addend.shape) \(addend.dtype.name) does not broadcast to \(convolution.output)")
    }
    return convolution
}
