import Diffusion
import Layers
import Models
import TensorCore

/// The score network of the benchmarks and what it costs; the peers' `score_network.py`.
enum ScoreNetworkWork {
    static let dimension = 2
    private static let sizes = ScoreMLPConfiguration(dimension: dimension, timesteps: 200)

    static func schedule() throws -> NoiseSchedule {
        try NoiseSchedule(.linear, trainSteps: sizes.timesteps, betaStart: 0.0005, betaEnd: 0.1)
    }

    /// A network around `reference`; small random numbers stand where it would start at zero, if asked for.
    static func network(
        _ reference: Gaussian, _ schedule: NoiseSchedule, index: Int = 0, isPerturbed: Bool = false
    ) -> ScoreNetwork {
        let network = ScoreNetwork(
            sizes, alphasCumprod: schedule.alphasCumprod, reference: reference,
            key: RandomPurpose.initialization.key(seed: 0, model: index))
        guard isPerturbed else { return network }
        var initializer = Initializer(key: RandomPurpose.initialization.key(seed: 1, model: index))
        for (name, parameter) in network.namedParameters.map({ ($0.name, $0.parameter) })
        where name.hasSuffix("layer_out.weight") || name == "final_linear.weight" {
            parameter.assign(initializer.normal(parameter.shape, deviation: 0.02))
        }
        return network
    }

    /// 10⁹ operations in the linear layers of a forward pass, two per multiply-add, as the peers count them.
    ///
    /// A backward pass has twice as many.
    static func forwardGFLOP(rows: Int, timeRows: Int) -> Double {
        let (hidden, width) = (sizes.hidden, sizes.hidden * sizes.widening)
        let perRow = 2 * sizes.dimension * hidden + sizes.blocks * (2 * hidden * width + width * width)
        return 2e-9 * Double(rows * perRow + timeRows * sizes.blocks * sizes.embedding * width)
    }
}
