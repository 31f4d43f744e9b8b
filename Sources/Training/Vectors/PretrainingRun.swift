import Checkpoints
import Diffusion
import Distributed
import Foundation
import Models
import TensorCore

/// Fits a score network to every given model and stores each as a vector model.
final class PretrainingRun {
    private let configuration: RunConfiguration
    private let session: RunSession

    init(_ configuration: RunConfiguration, _ session: RunSession) throws {
        self.configuration = configuration
        self.session = session
    }

    /// - Returns: the exit code: 0, or 75 if it was interrupted.
    func run() throws -> Int32 {
        let schedule = try NoiseSchedule(configuration.schedule)
        let (given, coordinates) = try session.communicator.failTogether(exitCode: exitCode(for:)) {
            try GivenModel.standardized(
                configuration.models.map { try GivenModel($0, dimension: configuration.dimension) }, schedule)
        }
        guard let networks = try FitPhase(given, configuration, schedule: schedule, session: session).run()
        else { return ExitStatus.requeue }
        var tree = StateTree()
        FitPhase.save(networks, to: &tree)
        try session.save(step: configuration.pretraining.steps, tree)
        var samples: [String: Tensor] = [:]
        for (model, network) in zip(given, networks) {
            let fitted = VectorModel(
                .network(network), schedule: schedule, dimension: configuration.dimension,
                coordinates: coordinates)
            try session.writeModel(fitted, named: networks.count == 1 ? "model" : "model-\(model.name)")
            samples["model/\(model.name)"] = try fitted.samples(0..<1024, seed: configuration.seed)
        }
        try session.writeTensors("samples.safetensors", samples)
        return 0
    }
}
