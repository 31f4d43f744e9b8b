extension Tensor {
    /// The larger of each two elements; where they are equal each gets half the gradient, as in PyTorch.
    public func maximum(_ other: Tensor) -> Tensor { extremum(.maximum, other, sign: 1) }

    /// The smaller of each two elements; where they are equal each gets half the gradient, as in PyTorch.
    public func minimum(_ other: Tensor) -> Tensor { extremum(.minimum, other, sign: -1) }

    /// max, min (a, b) = (a + b ± |a − b|) / 2, so that da, db = (dy ± sgn(a − b) dy) / 2 and the reverse.
    private func extremum(_ op: BinaryOp, _ other: Tensor, sign: Double) -> Tensor {
        let y = combined(op, other)
        guard isTracked || other.isTracked else { return y }
        let difference = combined(.subtract, other)
        let (left, right) = (Operand(self), Operand(other))
        return y.recorded(from: [self, other]) { dy in
            let towardsLeft = difference.emptyLike()
            difference.backend.unaryAdjoint(.absolute, difference, dy, into: towardsLeft)
            return [
                left.gradient((dy + sign * towardsLeft) * 0.5),
                right.gradient((dy - sign * towardsLeft) * 0.5),
            ]
        }
    }
}
