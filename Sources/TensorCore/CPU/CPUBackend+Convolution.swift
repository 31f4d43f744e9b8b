import CKernels

extension CPUBackend {
    public func convolve(
        _ convolution: Convolution, _ x: Tensor, _ weight: Tensor, bias: Tensor?, accumulates: Bool,
        into y: Tensor
    ) {
        guard y.elementCount > 0 else { return }
        if PairConvolution.suits(convolution, [x, weight, y]) {
            if let bias { y.fill(withSumOf: bias, nil) }
            return PairConvolution(convolution).run(x, weight, adds: accumulates || bias != nil, into: y)
        }
        if y.dtype.byteWidth == 2 {
            let wide = accumulates ? y.cast(to: .float32) : y.emptyLike(dtype: .float32)
            convolve(
                convolution, x.cast(to: .float32), weight, bias: bias?.cast(to: .float32),
                accumulates: accumulates, into: wide)
            return cast(wide, into: y)
        }
        if WinogradConvolution.suits(convolution, y.dtype) {
            WinogradConvolution(convolution).run(x, weight, bias: bias, adds: accumulates, into: y)
        } else {
            if let bias { y.fill(withSumOf: bias, nil) }
            PatchConvolution(convolution).run(x, weight, adds: accumulates || bias != nil, into: y)
        }
    }

    public func convolveInputAdjoint(
        _ convolution: Convolution, _ dy: Tensor, _ weight: Tensor, into dx: Tensor
    ) {
        guard dx.elementCount > 0 else { return }
        if let mirrored = convolution.mirrored, PairConvolution.suits(mirrored, [dy, weight, dx]) {
            return PairConvolution(mirrored, isMirrored: true).run(dy, weight, adds: false, into: dx)
        }
        if dx.dtype.byteWidth == 2 {
            let wide = dx.emptyLike(dtype: .float32)
            convolveInputAdjoint(convolution, dy.cast(to: .float32), weight, into: wide)
            return cast(wide, into: dx)
        }
        guard let mirrored = convolution.mirrored else {
            return PatchConvolution(convolution).runInputAdjoint(dy, weight, into: dx)
        }
        if WinogradConvolution.suits(mirrored, dx.dtype) {
            WinogradConvolution(mirrored).run(dy, weight, isMirrored: true, bias: nil, adds: false, into: dx)
        } else {
            PatchConvolution(mirrored).run(dy, mirror(weight), adds: false, into: dx)
        }
    }

    public func convolveWeightAdjoint(
        _ convolution: Convolution, _ x: Tensor, _ dy: Tensor, into dw: Tensor
    ) {
        if dw.dtype.byteWidth == 2 {
            let wide = dw.emptyLike(dtype: .float32)
            convolveWeightAdjoint(convolution, x.cast(to: .float32), dy.cast(to: .float32), into: wide)
            return cast(wide, into: dw)
        }
        PatchConvolution(convolution).runWeightAdjoint(x, dy, into: dw)
    }

    /// w[o, u, v, i] as w'[i, kh−1−u, kw−1−v, o].
    private func mirror(_ weight: Tensor) -> Tensor {
        let (outputs, height, width, inputs) =
            (weight.shape[0], weight.shape[1], weight.shape[2], weight.shape[3])
        let mirrored = weight.emptyLike(shape: [inputs, height, width, outputs])
        copyStrided(
            shape: mirrored.shape.dimensions, from: weight, offset: (height * width - 1) * inputs,
            strides: [1, -width * inputs, -inputs, height * width * inputs], into: mirrored, offset: 0,
            strides: mirrored.shape.strides)
        return mirrored
    }
}

extension Convolution {
    /// The convolution that takes dy to dx, with kernels turned by half a turn and inputs and outputs exchanged; nil
    /// where a stride or wide padding leaves none.
    fileprivate var mirrored: Convolution? {
        let edges = [padding.top, padding.bottom].map { kernelHeight - 1 - $0 }
        let sides = [padding.left, padding.right].map { kernelWidth - 1 - $0 }
        guard stride == 1, (edges + sides).allSatisfy({ $0 >= 0 }) else { return nil }
        return Convolution(
            input: output, weight: [channels, kernelHeight, kernelWidth, outputs], stride: 1,
            padding: Padding(top: edges[0], bottom: edges[1], left: sides[0], right: sides[1]))
    }

    /// The sizes as the C kernels take them.
    var kernelSizes: ck_convolution {
        ck_convolution(
            height: height, width: width, channels: channels, out_height: outHeight, out_width: outWidth,
            out_channels: outputs, kernel_height: kernelHeight, kernel_width: kernelWidth, stride: stride,
            pad_top: padding.top, pad_left: padding.left)
    }
}
