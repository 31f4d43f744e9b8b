import TensorCore

/// Where the layers of a frozen model get their arrays from while it is built.
///
/// A model is described once, by its initialiser: run over `declarations` it lists what a file must hold, run over
/// the file's tensors it becomes the model.
public struct ParameterSource {
    private let path: String
    private let array: (String, Shape) -> Tensor
    private let kind: Kind

    private enum Kind { case declarations, files, random }

    private init(path: String = "", _ kind: Kind, array: @escaping (String, Shape) -> Tensor) {
        self.path = path
        self.kind = kind
        self.array = array
    }

    /// - Parameter tensors: all that `declarations` lists, by name.
    public init(_ tensors: [String: Tensor]) {
        self.init(.files) { name, shape in
            guard let tensor = tensors[name], tensor.shape == shape else {
                preconditionFailure(
                    "ParameterSource: \(name) is \(tensors[name]?.shape.description ?? "missing"), expected \(shape)"
                )
            }
            return tensor
        }
    }

    /// Random numbers of the size PyTorch's layers start with: uniform in ±1/√inputs for weights, ones and zeros
    /// for norms and biases.
    public init(random initializer: Initializer, dtype: DType = .float32) {
        var initializer = initializer
        self.init(.random) { name, shape in
            let value =
                switch shape.rank {
                case 1: Tensor(full: name.hasSuffix("weight") ? 1 : 0, shape)
                default:
                    initializer.uniform(
                        shape, bound: 1 / Double(shape.elementCount / max(shape[0], 1)).squareRoot())
                }
            return value.cast(to: dtype)
        }
    }

    /// Names and shapes, as in files, of all arrays that a model asks for, in the order of its layers.
    public static func declarations(
        of build: (ParameterSource) throws -> some Any
    ) rethrows -> [(name: String, shape: Shape)] {
        var declared: [(name: String, shape: Shape)] = []
        let source = ParameterSource(.declarations) { name, shape in
            declared.append((name, shape))
            // Nobody looks into it: the model is dropped again.
            return Tensor(empty: [], dtype: .float32, device: .cpu).viewed(as: shape)
        }
        _ = try build(source)
        return declared
    }

    /// The part under `name.`: what a layer of a model is built from.
    public static func / (source: ParameterSource, name: String) -> ParameterSource {
        ParameterSource(path: source.path(of: name), source.kind, array: source.array)
    }

    /// The dotted name of a layer's array in the whole model.
    private func path(of name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    /// The dotted name of the layer that is being built.
    public var layerPath: String { path }

    /// A frozen array.
    public func callAsFunction(_ name: String, _ shape: Shape) -> Parameter {
        Parameter(array(path(of: name), shape), isTrainable: false)
    }

    /// A frozen convolution weight, `[O, I, kh, kw]` in files and `[O, kh, kw, I]` in the model.
    ///
    /// A file's is laid out when it is first used: half of Stable Diffusion's weights are of this kind, and a model
    /// that waits for as much new memory starts late.
    public func convolutionWeight(_ name: String, _ shape: Shape) -> Parameter {
        let stored = array(path(of: name), shape)
        let laidOut = Shape([shape[0], shape[2], shape[3], shape[1]])
        return switch kind {
        case .declarations: Parameter(stored.viewed(as: laidOut), isTrainable: false)
        case .files: Parameter(DeferredTensor(shape: laidOut) { stored.channelsLastWeight })
        case .random: Parameter(stored.channelsLastWeight, isTrainable: false)
        }
    }

    /// A frozen matrix that files hold as a 1×1 convolution, `[O, I, 1, 1]`.
    public func pointwiseWeight(_ name: String, outputs: Int, inputs: Int) -> Parameter {
        let stored = array(path(of: name), [outputs, inputs, 1, 1])
        return Parameter(stored.reshaped(outputs, inputs), isTrainable: false)
    }
}
