import Layers
import TensorCore
import WeightFiles

/// Linear layers on top of each other with nothing in between, down to one number.
///
/// - Shapes: x `[N, inputs]`, result `[N, 1]`.
struct LinearStack {
    private let layers: [Linear]

    /// Reads `layers.0.weight`, `layers.0.bias`, `layers.2.weight` and so on, numbered as in PyTorch's `nn.Sequential`.
    ///
    /// - Throws: `ModelFilesError.invalid` unless each layer takes what the one before it gives.
    init(_ archive: TorchArchive, inputs: Int) throws {
        let numbers = Set(
            archive.tensors.keys.compactMap { Int($0.split(separator: ".").dropFirst().first ?? "") })
        var layers: [Linear] = []
        var width = inputs
        for number in numbers.sorted() {
            guard let weight = archive.tensors["layers.\(number).weight"],
                let bias = archive.tensors["layers.\(number).bias"], weight.shape.rank == 2,
                weight.shape[1] == width, bias.shape == [weight.shape[0]]
            else {
                throw ModelFilesError.invalid(
                    path: archive.path,
                    reason: "expected layers.\(number).weight [outputs, \(width)] and a bias for it, found "
                        + Self.listing(archive))
            }
            width = weight.shape[0]
            layers.append(
                Linear(
                    weight: Parameter(weight.cast(to: .float32), isTrainable: false),
                    bias: Parameter(bias.cast(to: .float32), isTrainable: false)))
        }
        guard width == 1, archive.tensors.count == 2 * layers.count else {
            throw ModelFilesError.invalid(
                path: archive.path,
                reason: "expected linear layers down to one output, found " + Self.listing(archive))
        }
        self.layers = layers
    }

    func callAsFunction(_ x: Tensor) -> Tensor { layers.reduce(x) { $1($0) } }

    private static func listing(_ archive: TorchArchive) -> String {
        archive.tensors.sorted { $0.key < $1.key }.prefix(12).map { "\($0.key) \($0.value.shape)" }
            .joined(separator: ", ")
    }
}
