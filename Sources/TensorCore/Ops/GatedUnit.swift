/// Gated units of a device's op table.
public protocol GatedUnitKernels {
    /// y = h · gelu(g) for rows [h | g] of x.
    func geglu(_ x: Tensor, into y: Tensor)
    /// dx = [dy · gelu(g) | dy · h · gelu'(g)].
    func gegluAdjoint(_ x: Tensor, _ dy: Tensor, into dx: Tensor)
}

extension Tensor {
    /// y = h · gelu(g), where the last axis holds h and then g (Shazeer 2020, GEGLU).
    ///
    /// - Shapes: self `[…, 2C]`, y `[…, C]`.
    public func geglu() -> Tensor {
        requireArithmetic("geglu")
        precondition(
            shape.rank > 0 && shape.last.isMultiple(of: 2), "geglu: \(shape) does not fall into two halves")
        let x = detached
        let y = emptyLike(shape: shape.replacing(axis: -1, with: shape.last / 2))
        backend.geglu(x, into: y)
        return y.recorded(from: self) { dy in
            let dx = x.emptyLike()
            x.backend.gegluAdjoint(x, dy, into: dx)
            return dx
        }
    }
}
