import TensorCore

extension Tensor {
    /// Y = 0.2126 R + 0.7152 G + 0.0722 B (ITU-R BT.709) of the values as they are, gamma included.
    ///
    /// - Shapes: self `[N, H, W, 3]`, result `[N, H, W, 1]`.
    var luminance: Tensor { colorsMixed(by: [[0.2126, 0.7152, 0.0722]]) }

    /// Linear combinations of the colours of each pixel.
    ///
    /// - Shapes: self `[N, H, W, 3]`, rows K × 3, result `[N, H, W, K]`.
    func colorsMixed(by rows: [[Double]]) -> Tensor {
        let weights = Tensor(rows.flatMap { $0 }, shape: [rows.count, 3], on: device).cast(to: dtype)
        return linear(self, weights)
    }

    /// Pixels in one axis.
    ///
    /// - Shapes: self `[N, H, W, C]`, result `[N, H · W, C]`.
    var pixels: Tensor { reshaped(shape[0], shape[1] * shape[2], shape[3]) }

    /// Standard deviation of n values along `axis`, Σ (x − mean)² divided by n − 1; no gradient where it is 0.
    func deviation(axis: Int) -> Tensor {
        let centered = self - mean(axis: axis, keepingAxis: true)
        return centered.norm(axis: axis) / Double(shape[axis] - 1).squareRoot()
    }
}
