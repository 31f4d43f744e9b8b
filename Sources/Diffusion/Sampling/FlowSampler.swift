import Foundation
import TensorCore

/// Samples along the probability flow with DPM-Solver++(2M).
///
/// Lu et al. 2022, Algorithm 2, in the frame y = x/√ᾱ and with h = log(γ/γ'):
///
///     y' = (γ'/γ) y + (1 − γ'/γ) D,   D = x̂_0 + (h/2h₋) (x̂_0 − x̂_0₋),
///
/// a minus marking the step before. Second order at one evaluation a step: 50 levels evenly spaced in log γ get
/// variances to 1 %, where 50 steps of DDIM lose a tenth of them. The noise left at the last level is taken out by
/// `withoutResidualNoise`.
///
/// - Parameters:
///   - x: `[N, …]`, standard normal.
///   - timesteps: from much noise to little, as `NoiseSchedule.timestepsEvenInLogNoise` gives.
public func flowSample(
    from x: Tensor, schedule: NoiseSchedule, timesteps: [Int], network: NoisePredictor
) throws -> Tensor {
    var x = x
    var previous: (denoised: Tensor, step: Double)?
    for (timestep, next) in zip(timesteps, timesteps.dropFirst()) {
        let level = Timesteps.all(timestep)
        let noise = try network(x, level)
        let denoised = try schedule.denoised(noise, from: x, at: level, as: .epsilon).sample
        let ratio = schedule.noiseToSignal(at: next) / schedule.noiseToSignal(at: timestep)
        let step = -log(ratio)
        let target = previous.map { denoised + (denoised - $0.denoised) * (step / (2 * $0.step)) } ?? denoised
        let signal = schedule.signalScale(at: next)
        x = x * (ratio * signal / schedule.signalScale(at: timestep)) + target * (signal * (1 - ratio))
        previous = (denoised, step)
    }
    guard let last = timesteps.last else { return x }
    return schedule.withoutResidualNoise(x, noise: try network(x, .all(last)), at: .all(last))
}

extension NoiseSchedule {
    /// At most `count` timesteps from the noisiest to the cleanest, as evenly spaced in log γ as the schedule has them.
    ///
    /// Timesteps without signal, γ = ∞, are left out.
    public func timestepsEvenInLogNoise(count: Int) -> [Int] {
        guard let noisiest = alphasCumprod.lastIndex(where: { $0 > 0 }) else { return [] }
        let (low, high) = (log(noiseToSignal(at: 0)), log(noiseToSignal(at: noisiest)))
        var timesteps: [Int] = []
        var candidate = noisiest
        for level in 0..<count {
            let goal = high + (low - high) * Double(level) / Double(max(count - 1, 1))
            while candidate > 0, log(noiseToSignal(at: candidate)) > goal + 1e-9 { candidate -= 1 }
            if timesteps.last != candidate { timesteps.append(candidate) }
        }
        return timesteps
    }
}
