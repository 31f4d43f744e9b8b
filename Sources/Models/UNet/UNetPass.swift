import Layers
import TensorCore

/// What all blocks of one forward pass share.
struct UNetPass {
    /// SiLU of the time embedding, `[N or 1, W]`.
    var time: Tensor
    /// Text embeddings, `[N, T, D]`.
    var context: Tensor
    let adapters: AdapterPass
    /// Whether each layer keeps its inputs only.
    let isSegmented: Bool
    /// Whether this is the inside of such a layer, where nothing more has to be saved.
    var isInSegment = false

    /// Runs a layer on `inputs`; all it uses of recorded operations has to come in through its arguments.
    func run(_ inputs: [Tensor], _ layer: @escaping ([Tensor], UNetPass) -> Tensor) -> Tensor {
        guard isSegmented else { return layer(inputs, self) }
        return segment(inputs + [time, context]) { [adapters] all in
            let inner = UNetPass(
                time: all[all.count - 2], context: all[all.count - 1], adapters: adapters, isSegmented: false,
                isInSegment: true)
            return layer(all.dropLast(2), inner)
        }
    }
}
