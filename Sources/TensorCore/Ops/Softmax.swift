/// Softmax of a device's op table.
public protocol SoftmaxKernels {
    /// Softmax of each row of `columns`.
    func softmax(_ x: Tensor, into y: Tensor, columns: Int)
    /// dx = y · (dy − Σ_j dy_j y_j).
    func softmaxAdjoint(_ y: Tensor, _ dy: Tensor, into dx: Tensor, columns: Int)
}

extension Tensor {
    /// y_i = exp(x_i − max x) / Σ_j exp(x_j − max x) over the last axis.
    public func softmax() -> Tensor {
        requireArithmetic("softmax")
        let columns = shape.last
        let y = emptyLike()
        backend.softmax(detached, into: y, columns: columns)
        return y.recorded(from: self) { dy in
            let dx = y.emptyLike()
            y.backend.softmaxAdjoint(y, dy, into: dx, columns: columns)
            return dx
        }
    }
}
