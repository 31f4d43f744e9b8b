/// Fused parameter updates of a device's op table.
public protocol OptimizerKernels {
    /// One AdamW step in place on `parameter`, `firstMoment` and `secondMoment` (f32).
    func adamW(
        _ step: AdamWStep, parameter: Tensor, gradient: Tensor, firstMoment: Tensor, secondMoment: Tensor)
}

/// Coefficients of one AdamW step (Loshchilov & Hutter 2019, Algorithm 2).
public struct AdamWStep: Sendable {
    public var learningRate: Double
    public var beta1: Double
    public var beta2: Double
    public var epsilon: Double
    public var weightDecay: Double
    /// Multiplies the gradient first (clipping by norm).
    public var gradientScale: Double
    /// 1 − β1^t and 1 − β2^t.
    public var correction1: Double
    public var correction2: Double

    public init(
        learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double,
        gradientScale: Double, correction1: Double, correction2: Double
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.gradientScale = gradientScale
        self.correction1 = correction1
        self.correction2 = correction2
    }
}
