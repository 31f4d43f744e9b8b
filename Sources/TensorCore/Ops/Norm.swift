extension Tensor {
    /// √Σ x² along `axis`.
    ///
    /// The gradient is x / ‖x‖, and 0 where the norm is 0: a picture of one colour has no contrast, and no direction in
    /// which it grows.
    public func norm(axis: Int, keepingAxis: Bool = false) -> Tensor {
        let x = detached
        let norm = x.squared().sum(axis: axis, keepingAxis: true).squareRoot()
        let y = keepingAxis ? norm : norm.viewed(as: shape.removing(axis: axis))
        return y.recorded(from: self) { dy in
            // x is 0 to f32 where its squares underflow, so its quotient by anything larger is harmless.
            x * (dy.viewed(as: norm.shape) / norm.clamped(Self.smallestNorm, .infinity))
        }
    }

    /// Near the root of the smallest normal f32.
    private static let smallestNorm = 1e-18

    /// x / ‖x‖ along `axis`.
    public func normalized(axis: Int) -> Tensor { self / norm(axis: axis, keepingAxis: true) }
}
