import Layers
import TensorCore

/// Sizes of the residual MLP.
public struct ScoreMLPConfiguration: Sendable, Equatable {
    /// Coordinates of a sample.
    public var dimension: Int
    /// Training time steps T: rows of the learned time embedding.
    public var timesteps: Int
    public var hidden = 128
    public var blocks = 4
    /// Width of a block's inner layers as a multiple of `hidden`.
    public var widening = 2
    public var embedding = 128

    public init(
        dimension: Int, timesteps: Int, hidden: Int = 128, blocks: Int = 4, widening: Int = 2,
        embedding: Int = 128
    ) {
        self.dimension = dimension
        self.timesteps = timesteps
        self.hidden = hidden
        self.blocks = blocks
        self.widening = widening
        self.embedding = embedding
    }
}

/// The residual score network of the paper's low-dimensional experiments (Khalafi et al., Appendix F): an input layer,
/// blocks of LayerNorm → SiLU → Linear (+ projected time embedding) → SiLU → Linear → SiLU → Linear, an output layer.
///
/// Every residual branch and the output start at zero, so the network starts as the zero function.
public final class ScoreMLP: Module {
    public let configuration: ScoreMLPConfiguration
    private let timeEmbedding: Parameter
    private let input: Linear
    private let blocks: [Block]
    private let output: Linear

    public init(_ configuration: ScoreMLPConfiguration, key: RandomKey) {
        var initializer = Initializer(key: key)
        self.configuration = configuration
        timeEmbedding = Parameter(
            initializer.normal([configuration.timesteps, configuration.embedding], deviation: 1))
        input = Linear(configuration.dimension, configuration.hidden, initializer: &initializer)
        var blocks: [Block] = []
        for _ in 0..<configuration.blocks { blocks.append(Block(configuration, &initializer)) }
        self.blocks = blocks
        output = .zeros(configuration.hidden, configuration.dimension)
    }

    /// - Shapes: x `[N, d]`; result `[N, d]`.
    public func callAsFunction(_ x: Tensor, _ time: TimeConditioning) -> Tensor {
        var h = input(x)
        for (block, projection) in zip(blocks, time.projections) { h = block(h, projection, time) }
        return output(h)
    }

    /// Prepares the time embedding for many batches, which share it while the weights stand still.
    ///
    /// Each block's projection is taken of the T rows of the table rather than of every sample.
    public func timeTable() -> TimeTable {
        TimeTable(projections: blocks.map { $0.timeProjection(timeEmbedding.value) })
    }

    /// Prepares the time embedding for one batch, row i at time step `timesteps[i]`: each time step that occurs is
    /// projected once.
    public func timeConditioning(_ timesteps: [Int32]) -> TimeConditioning {
        var place = [Int32](repeating: -1, count: configuration.timesteps)
        var distinct: [Int32] = []
        let rows = timesteps.map { timestep in
            if place[Int(timestep)] < 0 {
                place[Int(timestep)] = Int32(distinct.count)
                distinct.append(timestep)
            }
            return place[Int(timestep)]
        }
        let occurring = embedding(timeEmbedding.value, Tensor(indices: distinct))
        return TimeConditioning(
            projections: blocks.map { $0.timeProjection(occurring) }, rows: Tensor(indices: rows))
    }

    /// Multiplies the function by a number.
    public func scale(by factor: Double) {
        for named in output.namedParameters {
            named.parameter.assign(named.parameter.value.detached * factor)
        }
    }

    public var namedParameters: [NamedParameter] {
        [NamedParameter("time_embed.weight", timeEmbedding)] + input.namedParameters(under: "input_linear")
            + blocks.enumerated().flatMap { $1.namedParameters(under: "res_blocks.\($0)") }
            + output.namedParameters(under: "final_linear")
    }
}

/// The projected time embedding of every block for every time step.
public struct TimeTable: Sendable {
    /// One `[T, width]` per block.
    fileprivate let projections: [Tensor]

    /// All rows at one time step.
    public func all(_ timestep: Int) -> TimeConditioning {
        TimeConditioning(projections: projections.map { $0.slice(timestep..<(timestep + 1)) }, rows: nil)
    }

    /// Row i at time step `timesteps[i]`.
    public func each(_ timesteps: Tensor) -> TimeConditioning {
        TimeConditioning(projections: projections, rows: timesteps)
    }
}

/// What a forward pass needs to know about time.
public struct TimeConditioning: Sendable {
    fileprivate let projections: [Tensor]
    /// Time step of each row; nil if `projections` hold the one row for all.
    fileprivate let rows: Tensor?
}

extension ScoreMLP {
    /// x + Linear(SiLU(Linear(SiLU(Linear(SiLU(norm(x))) + time)))).
    private final class Block: Module {
        private let norm: LayerNorm
        private let first: Linear
        private let time: Linear
        private let middle: Linear
        private let last: Linear

        init(_ configuration: ScoreMLPConfiguration, _ initializer: inout Initializer) {
            let width = configuration.hidden * configuration.widening
            norm = LayerNorm(configuration.hidden)
            first = Linear(configuration.hidden, width, initializer: &initializer)
            time = Linear(configuration.embedding, width, initializer: &initializer)
            middle = Linear(width, width, initializer: &initializer)
            last = .zeros(width, configuration.hidden)
        }

        func timeProjection(_ table: Tensor) -> Tensor { time(table) }

        func callAsFunction(_ x: Tensor, _ projection: Tensor, _ time: TimeConditioning) -> Tensor {
            let embedded = time.rows.map { embedding(projection, $0) } ?? projection
            let h = first(norm(x).silu(), adding: embedded).silu()
            return last(middle(h).silu(), adding: x)
        }

        var namedParameters: [NamedParameter] {
            norm.namedParameters(under: "norm") + first.namedParameters(under: "layer_h")
                + time.namedParameters(under: "layer_emb") + middle.namedParameters(under: "layer_int")
                + last.namedParameters(under: "layer_out")
        }
    }
}
