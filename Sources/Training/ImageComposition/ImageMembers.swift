import Diffusion
import Distributed
import Foundation
import Layers
import Models
import TensorCore

/// The members of an image composition as ranks hold them: each has the base, and of the members its share.
///
/// The ranks of a sample group work on the same x_t, each with its own ε_i. Sums over members are exact (`ExactSum`)
/// and every member has passes of its own, so that nothing depends on who holds which.
struct ImageMembers: Sendable {
    let names: [String]
    let communicator: any Communicator
    let layout: RankLayout
    /// Those that this rank holds, in order.
    let own: [TextNetwork]
    /// Whether all have one ε_∅: concepts of one model.
    let sharesUnconditional: Bool
    private let group: any Communicator

    /// - Parameter load: makes the members of a range.
    /// - Throws: on all ranks what `load` throws on any.
    init(
        names: [String], _ layout: RankLayout, sharesUnconditional: Bool, of communicator: any Communicator,
        load: (Range<Int>) throws -> [TextNetwork]
    ) throws {
        self.names = names
        self.communicator = communicator
        self.sharesUnconditional = sharesUnconditional
        self.layout = layout
        group = layout.shards == 1 ? SingleCommunicator() : try layout.groups(of: communicator).sample
        own = try communicator.failTogether(exitCode: exitCode(for:)) {
            try load(layout.items(of: communicator.rank))
        }
    }

    /// As rank 0 of a layout has them, without the other ranks.
    init(names: [String], _ layout: RankLayout, own: [TextNetwork], sharesUnconditional: Bool) {
        self.names = names
        self.layout = layout
        self.own = own
        self.sharesUnconditional = sharesUnconditional
        (communicator, group) = (SingleCommunicator(), SingleCommunicator())
    }

    /// Indices of the members that this rank holds.
    var owned: Range<Int> { layout.items(of: communicator.rank) }

    /// Whether this rank speaks for its sample group in what all ranks of the group know.
    var isSpeaker: Bool { layout.shardIndex(of: communicator.rank) == 0 }

    /// Outputs of this rank's members at x_t.
    ///
    /// - Parameter isNeeded: whether a member's output is; the others are left out.
    /// - Returns: by the member's index among all.
    func outputs(
        _ x: Tensor, _ timesteps: Timesteps, texts: [Int], withUnconditional: Bool,
        where isNeeded: (Int) -> Bool = { _ in true }
    ) -> [Int: NetworkOutputs] {
        let needed = owned.filter(isNeeded)
        let member = { (index: Int) in own[index - owned.lowerBound] }
        guard sharesUnconditional, withUnconditional, let first = needed.first else {
            return Dictionary(
                uniqueKeysWithValues: needed.map {
                    ($0, member($0).outputs(x, timesteps, texts: texts, withUnconditional: withUnconditional))
                })
        }
        let unconditional = member(first).unconditionalOutput(x, timesteps)
        return Dictionary(
            uniqueKeysWithValues: needed.map { index in
                let alone = member(index).outputs(x, timesteps, texts: texts, withUnconditional: false)
                return (
                    index, NetworkOutputs(unconditional: unconditional, conditional: alone.conditional)
                )
            })
    }

    /// Σ_i λ_i f(ε_i) over the members of all ranks of the group, each term and the sum rounded once [88].
    ///
    /// - Parameters:
    ///   - outputs: of this rank's members; those with λ_i = 0 may be missing.
    ///   - shape: of each tensor.
    ///   - parts: the tensors of a member that are summed.
    func combined(
        _ outputs: [Int: NetworkOutputs], multipliers: [Double], shape: Shape,
        _ parts: (name: String, of: (NetworkOutputs) -> Tensor)...
    ) throws -> [Tensor] {
        var sum = ExactSum(floats: parts.map { ($0.name, shape.elementCount) })
        for (index, output) in outputs.sorted(by: { $0.key < $1.key }) where multipliers[index] != 0 {
            for part in parts { sum.add(part.of(output) * multipliers[index], to: part.name) }
        }
        switch try sum.reduce(over: group) {
        case .sums(let sums):
            return parts.compactMap { sums.floatTensors[$0.name]?.reshaped(shape.dimensions) }
        case .nonFinite(let error):
            // Other groups learn of it from `failTogether`, which hands agreed errors on unseen.
            var isFaulty = [Int64](repeating: 0, count: names.count)
            for (index, output) in outputs where multipliers[index] != 0 {
                let isFinite = parts.allSatisfy { $0.of(output).floats.allSatisfy(\.isFinite) }
                isFaulty[index] = isFinite ? 0 : 1
            }
            try group.allReduce(&isFaulty, .maximum)
            let faulty = names.indices.filter { isFaulty[$0] == 1 }.map { names[$0] }
            throw ImageCompositionError.notFinite(members: faulty, what: error.description)
        }
    }

    /// Runs what may fail on one rank of the sample group; it then fails on all of them, and other groups can learn of
    /// it by `failTogether` of all ranks.
    func together<Result>(_ body: () throws -> Result) throws -> Result {
        guard layout.shards > 1 else { return try body() }
        do {
            return try group.failTogether(exitCode: exitCode(for:), body)
        } catch let error as RankError {
            throw ImageCompositionError.member(error.message, exitCode: error.exitCode)
        }
    }
}

/// What can go wrong with a composition of text-to-image models.
enum ImageCompositionError: ExitCoded, Equatable, CustomStringConvertible {
    /// Members whose predictions are not; none where their sum alone is not.
    case notFinite(members: [String], what: String)
    /// The gradient of a distillation.
    case diverged(updates: Int, what: String)
    /// More noise levels asked for than there are.
    case levels(Int, timesteps: Int)
    /// Something on a rank of the sample group.
    case member(String, exitCode: Int32)
    /// A model that cannot be composed with the base.
    case differs(path: String, reason: String)
    /// A distillation that has begun with other settings.
    case distillationChanged(directory: String)
    /// A file `composition.json` that cannot be used.
    case record(path: String, reason: String)

    var exitCode: Int32 {
        switch self {
        case .notFinite, .diverged: ExitStatus.internal
        case .levels: ExitStatus.configuration
        case .member(_, let exitCode): exitCode
        case .distillationChanged: ExitStatus.configuration
        case .differs, .record: ExitStatus.badData
        }
    }

    var description: String {
        switch self {
        case .notFinite(let members, let what):
            "the composed noise is not finite (\(what)): "
                + (members.isEmpty ? "the members' sum overflows" : "from \(members.joined(separator: ", "))")
                + ". Lower sampling.guidance; check those weights. Checkpoints that were written are unharmed."
        case .diverged(let updates, let what):
            "the gradient of the distillation is not finite after \(updates) updates (\(what)). Lower "
                + "distillation.learning_rate. Checkpoints that were written are unharmed."
        case .levels(let steps, let timesteps):
            "divergence.steps is \(steps), and the schedule has \(timesteps) timesteps; choose 2 to \(timesteps)"
        case .member(let message, _): message
        case .differs(let path, let reason):
            "\(path) cannot be composed with the base: \(reason)"
        case .distillationChanged(let directory):
            "distillation has begun with other settings; set them back, or remove \(directory)/conclusion to distil "
                + "anew"
        case .record(let path, let reason): "\(path): \(reason)"
        }
    }
}
