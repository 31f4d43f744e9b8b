import Diffusion
import Distributed
import TensorCore

/// The given models as ranks hold them: every rank all of them, or each rank of a sample group its share.
///
/// Where a group shares the models, its ranks work on the same samples in step and exchange predictions. They are
/// gathered in the order of the models, not summed by MPI: Σ λ_i ε_i then has the same bits however many ranks
/// share the models.
struct ModelShards: Sendable {
    let communicator: any Communicator
    let layout: RankLayout
    private let group: any Communicator
    private let models: [ScoreModel]

    /// - Throws: `RankLayoutError` where the ranks cannot form groups of `shards`.
    init(_ models: [ScoreModel], shards: Int, of communicator: any Communicator) throws {
        self.models = models
        self.communicator = communicator
        layout = try RankLayout(ranks: communicator.size, items: models.count, shards: shards)
        group = shards == 1 ? SingleCommunicator() : try layout.groups(of: communicator).sample
    }

    var count: Int { models.count }

    /// ε_i(x, t) of every model, in order.
    func noises(_ x: Tensor, _ timesteps: Timesteps) throws -> [Tensor] {
        guard layout.shards > 1 else { return models.map { $0(x, timesteps) } }
        let own = models[layout.items(of: communicator.rank)].map { $0(x, timesteps).floats }
        let all = try group.allGatherEach(own.flatMap { $0 }).flatMap { $0 }
        let size = x.elementCount
        return models.indices.map { Tensor(Array(all[($0 * size)..<(($0 + 1) * size)]), shape: x.shape) }
    }
}
