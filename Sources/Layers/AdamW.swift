import Foundation
import TensorCore

/// AdamW.  Loshchilov & Hutter 2019, Algorithm 2, with clipping by the global gradient norm.
///
/// Moments are f32 and are part of a checkpoint: `state` and `restore` move them out and in.
public final class AdamW: @unchecked Sendable {
    public struct Configuration: Sendable, Equatable {
        public var beta1 = 0.9
        public var beta2 = 0.999
        public var epsilon = 1e-8
        public var weightDecay = 0.0
        /// Largest Euclidean norm of all gradients together; infinity does not clip.
        public var gradientClip = Double.infinity

        public init(
            beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0,
            gradientClip: Double = .infinity
        ) {
            self.beta1 = beta1
            self.beta2 = beta2
            self.epsilon = epsilon
            self.weightDecay = weightDecay
            self.gradientClip = gradientClip
        }
    }

    public let configuration: Configuration
    /// Updates made so far.
    public private(set) var stepCount = 0
    private let parameters: [NamedParameter]
    private var firstMoments: [Tensor]
    private var secondMoments: [Tensor]

    public init(_ parameters: [NamedParameter], _ configuration: Configuration = Configuration()) {
        self.parameters = parameters
        self.configuration = configuration
        self.firstMoments = parameters.map { Tensor.zeros($0.parameter.shape) }
        self.secondMoments = firstMoments.map { Tensor.zeros(like: $0) }
    }

    /// Moves every parameter against its gradient, in place.
    ///
    /// - Parameter gradients: in the order of the parameters, f32.
    /// - Returns: the gradient norm before clipping.
    @discardableResult
    public func step(_ gradients: [Tensor], learningRate: Double) -> Double {
        precondition(
            gradients.count == parameters.count,
            "AdamW.step: \(gradients.count) gradients for \(parameters.count) parameters")
        stepCount += 1
        let norm = gradients.reduce(0) { $0 + $1.sumOfSquares() }.squareRoot()
        let clip = configuration.gradientClip
        let step = AdamWStep(
            learningRate: learningRate, beta1: configuration.beta1, beta2: configuration.beta2,
            epsilon: configuration.epsilon, weightDecay: configuration.weightDecay,
            gradientScale: norm > clip ? clip / norm : 1,
            correction1: 1 - pow(configuration.beta1, Double(stepCount)),
            correction2: 1 - pow(configuration.beta2, Double(stepCount)))
        for (index, gradient) in gradients.enumerated() {
            let parameter = parameters[index].parameter.value
            parameter.device.backend.adamW(
                step, parameter: parameter, gradient: gradient, firstMoment: firstMoments[index],
                secondMoment: secondMoments[index])
        }
        return norm
    }

    /// Moments by parameter name.
    public var state: [(name: String, first: Tensor, second: Tensor)] {
        parameters.indices.map { (parameters[$0].name, firstMoments[$0], secondMoments[$0]) }
    }

    /// Puts moments saved by `state` back, in the same order.
    public func restore(_ moments: [(first: Tensor, second: Tensor)], stepCount: Int) {
        precondition(
            moments.count == parameters.count,
            "AdamW.restore: \(moments.count) moments for \(parameters.count) parameters")
        firstMoments = moments.map { $0.first.copied() }
        secondMoments = moments.map { $0.second.copied() }
        self.stepCount = stepCount
    }
}
