import Layers
import TensorCore
import WeightFiles

/// An adapter does not fit the model it is to change.
public struct AdapterMismatch: Error, Equatable, CustomStringConvertible {
    /// Layers that the model has not.
    public internal(set) var unknown: [String] = []
    /// Layers that the model has, of a kind that Saddle does not adapt.
    public internal(set) var fixed: [String] = []
    /// Layers whose factors have other sizes.
    public internal(set) var misshaped: [String] = []

    public var description: String {
        let faults = [
            ("no such layer", unknown), ("of another size", misshaped),
            ("Saddle adapts attention, feed-forward, projection and time layers only, not", fixed),
        ]
        .filter { !$0.1.isEmpty }
        .map { kind, names in
            let shown = names.prefix(6).joined(separator: ", ")
            return "\(kind): \(shown)" + (names.count > 6 ? " and \(names.count - 6) more" : "")
        }
        let remedy =
            unknown.isEmpty && misshaped.isEmpty
            ? "Train or convert it without those layers."
            : "Check that it was trained on a base of this structure."
        return "the adapter does not fit the model: " + faults.joined(separator: "; ") + ". " + remedy
    }
}

extension LoRAAdapter {
    /// The adapter a file holds, for the model it was trained on.
    ///
    /// - Parameters:
    ///   - modules: changes by the path of the layer (`LoRAFile.unet`, `LoRAFile.textEncoder`).
    ///   - isTrainable: whether gradients are taken for the factors.
    /// - Throws: `AdapterMismatch` with all that does not fit.
    public convenience init(
        _ modules: [String: LoRAModule], adapting model: some CompositeModule, isTrainable: Bool = false
    ) throws {
        let layers = Dictionary(uniqueKeysWithValues: model.adaptableLayers.map { ($0.path, $0) })
        let parameters = Set(model.namedParameters.map(\.name))
        var mismatch = AdapterMismatch()
        var factors: [String: LoRAFactors] = [:]
        for (path, module) in modules.sorted(by: { $0.key < $1.key }) {
            guard let layer = layers[path] else {
                if parameters.contains("\(path).weight") {
                    mismatch.fixed.append(path)
                } else {
                    mismatch.unknown.append(path)
                }
                continue
            }
            guard let (down, up) = module.matrices, down.shape[1] == layer.inputs,
                up.shape[0] == layer.outputs
            else {
                mismatch.misshaped.append(
                    "\(path) (A \(module.down.shape) and B \(module.up.shape) for a layer of \(layer.inputs) inputs"
                        + " and \(layer.outputs) outputs)")
                continue
            }
            factors[path] = LoRAFactors(down: down, up: up, scale: module.scale, isTrainable: isTrainable)
        }
        guard mismatch == AdapterMismatch() else { throw mismatch }
        self.init(factors)
    }

    /// The changes as files hold them.
    public func modules(of model: some CompositeModule) -> [String: LoRAModule] {
        let kinds = Dictionary(uniqueKeysWithValues: model.adaptableLayers.map { ($0.path, $0.kind) })
        return factors.reduce(into: [:]) { modules, entry in
            let (path, factors) = entry
            let ones = kinds[path] == .pointwiseConvolution ? [1, 1] : []
            modules[path] = LoRAModule(
                down: factors.down.value.detached.reshaped(factors.down.shape.dimensions + ones),
                up: factors.up.value.detached.reshaped(factors.up.shape.dimensions + ones),
                scale: factors.scale)
        }
    }
}

extension LoRAModule {
    /// A and B as matrices; nil where they are of a convolution that looks beyond its pixel.
    fileprivate var matrices: (down: Tensor, up: Tensor)? {
        guard isConvolution else { return (down, up) }
        guard down.shape[2] == 1, down.shape[3] == 1 else { return nil }
        return (down.reshaped(rank, down.shape[1]), up.reshaped(up.shape[0], rank))
    }
}
