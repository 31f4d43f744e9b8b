import TensorCore

/// Standard normals for a step of the sampler; asked only where the step adds noise.
public typealias NoiseSource = (_ step: Int) throws -> Tensor

/// What a sampler went through.
public struct DDIMTrajectory {
    /// x before each step and, last, the sample: one more than steps.
    public let states: [Tensor]
    /// The predicted ε of each step.
    public let noises: [Tensor]

    public var sample: Tensor { states[states.count - 1] }
}

/// The sample that the steps make of x.
///
/// Song et al. 2021, eq. 12.
///
/// Made of tensor operations only: where recording is on, gradients pass back through every step.
///
/// - Parameters:
///   - x: x_T, `[N, …]`, standard normal.
///   - prediction: what `network` returns.
///   - z: noise per step, for η > 0.
public func ddimSample(
    from x: Tensor, schedule: NoiseSchedule, steps: [DDIMStep], prediction: Prediction = .epsilon,
    network: NoisePredictor, noise z: NoiseSource
) throws -> Tensor {
    var x = x
    for (index, step) in steps.enumerated() {
        x = try ddimStep(x, schedule, step, prediction, network, z, index).next
    }
    return x
}

/// As `ddimSample`, keeping every state and prediction.
///
/// - Parameter recordingFrom: steps before this one stay outside the graph (truncated back-propagation).
public func ddimTrajectory(
    from x: Tensor, schedule: NoiseSchedule, steps: [DDIMStep], prediction: Prediction = .epsilon,
    recordingFrom firstRecorded: Int = 0, network: NoisePredictor, noise z: NoiseSource
) throws -> DDIMTrajectory {
    var states = [x]
    var noises: [Tensor] = []
    for (index, step) in steps.enumerated() {
        func advance() throws -> (next: Tensor, noise: Tensor) {
            try ddimStep(states[index], schedule, step, prediction, network, z, index)
        }
        let (next, noise) = index < firstRecorded ? try withoutRecording(advance) : try advance()
        states.append(next)
        noises.append(noise)
    }
    return DDIMTrajectory(states: states, noises: noises)
}

/// DDPM's ancestral sampling with the posterior variance β̃_t.
///
/// Ho et al. 2020, eq. 6–7.
///
/// With η = 1 and every timestep visited the DDIM step is that posterior (Song et al. 2021, §4.1).
public func ddpmSample(
    from x: Tensor, schedule: NoiseSchedule, prediction: Prediction = .epsilon,
    network: NoisePredictor, noise z: NoiseSource
) throws -> Tensor {
    let steps = schedule.alphasCumprod.indices.reversed().map { timestep in
        DDIMStep(
            timestep: timestep, alphaCumprod: schedule.alphaCumprod(at: timestep),
            previousAlphaCumprod: timestep > 0 ? schedule.alphaCumprod(at: timestep - 1) : 1, eta: 1)
    }
    return try ddimSample(
        from: x, schedule: schedule, steps: steps, prediction: prediction, network: network, noise: z)
}

private func ddimStep(
    _ x: Tensor, _ schedule: NoiseSchedule, _ step: DDIMStep, _ prediction: Prediction,
    _ network: NoisePredictor, _ z: NoiseSource, _ index: Int
) throws -> (next: Tensor, noise: Tensor) {
    let timesteps = Timesteps.all(step.timestep)
    let output = try network(x, timesteps)
    let denoised = try schedule.denoised(output, from: x, at: timesteps, as: prediction)
    return (step.advanced(denoised, noise: step.isDeterministic ? nil : try z(index)), denoised.noise)
}
