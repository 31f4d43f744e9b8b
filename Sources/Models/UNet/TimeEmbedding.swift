import Foundation
import Layers
import TensorCore

/// Sines and cosines of the time step at geometric frequencies, and two linear layers.
final class TimeEmbedding: CompositeModule {
    private let configuration: UNetConfiguration
    private let first: AdaptableLinear
    private let second: AdaptableLinear

    init(_ source: ParameterSource, _ configuration: UNetConfiguration) {
        self.configuration = configuration
        first = AdaptableLinear(
            source / "linear_1", configuration.levels[0].channels, configuration.timeWidth)
        second = AdaptableLinear(source / "linear_2", configuration.timeWidth, configuration.timeWidth)
    }

    var children: [(name: String, module: any Module)] { [("linear_1", first), ("linear_2", second)] }

    /// - Shapes: result `[timesteps, W]`.
    func callAsFunction(_ timesteps: [Double], dtype: DType, _ adapters: AdapterPass) -> Tensor {
        let waves = waves(timesteps).cast(to: dtype)
        return second(first(waves, adapters).silu(), adapters)
    }

    /// sin(t ω_i) and cos(t ω_i) with ω_i = 10000^(−i / (n − shift)), n of each (Ho et al. 2020, from Vaswani et al.
    /// 2017, §3.5).
    ///
    /// In float from the start, as in diffusers: t ω rounds where the network was trained to expect it.
    private func waves(_ timesteps: [Double]) -> Tensor {
        let count = configuration.levels[0].channels / 2
        let frequencies = (0..<count).map { index in
            exp(-Float(log(10_000.0)) * Float(index) / Float(Double(count) - configuration.frequencyShift))
        }
        let rows = timesteps.flatMap { timestep in
            let phases = frequencies.map { Float(timestep) * $0 }
            let (sines, cosines) = (phases.map { sin($0) }, phases.map { cos($0) })
            return configuration.putsCosinesFirst ? cosines + sines : sines + cosines
        }
        return Tensor(rows, shape: [timesteps.count, 2 * count])
    }
}
