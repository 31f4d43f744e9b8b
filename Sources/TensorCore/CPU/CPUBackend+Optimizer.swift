import CKernels

extension CPUBackend {
    public func adamW(
        _ step: AdamWStep, parameter: Tensor, gradient: Tensor, firstMoment: Tensor, secondMoment: Tensor
    ) {
        for tensor in [parameter, gradient, firstMoment, secondMoment] {
            precondition(
                tensor.dtype == .float32 && tensor.elementCount == parameter.elementCount,
                "adamW: parameter \(parameter.shape) f32 against \(tensor.shape) \(tensor.dtype.name)")
        }
        let floats: @Sendable (Tensor, Int) -> UnsafeMutablePointer<Float> = {
            $0.at($1).assumingMemoryBound(to: Float.self)
        }
        Parallel.ranges(parameter.elementCount, grain: Self.grain) { range in
            let start = range.lowerBound
            ck_adamw(
                floats(parameter, start), floats(gradient, start), floats(firstMoment, start),
                floats(secondMoment, start), range.count, step.gradientScale, step.learningRate, step.beta1,
                step.beta2, step.epsilon, step.weightDecay, step.correction1, step.correction2)
        }
    }
}
