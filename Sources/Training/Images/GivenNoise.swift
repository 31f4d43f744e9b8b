import Diffusion
import TensorCore
import WeightFiles

/// Where a request's random numbers come from: its seed, or files that another program has written.
struct GivenNoise {
    private let initial: Tensor?
    private let steps: Tensor?
    private let seed: UInt64

    /// Reads and checks the files that the request names.
    ///
    /// - Parameter channels: of latents.
    init(_ request: ImageRequest, channels: Int) throws {
        seed = request.seed
        let count = request.imageCount
        initial = try request.initialLatents.map { path in
            let images = "\(count) images (\(request.prompts.count) prompts × --count \(request.count))"
            return try Self.read("latents", path, "[\(count), \(channels), h, w] for \(images)") { shape in
                shape.rank == 4 && shape[0] == count && shape[1] == channels
            }
        }
        let size = initial.map { [$0.shape[2], $0.shape[3]] }
        steps = try request.stepNoise.map { path in
            let place = size.map { "\($0[0]), \($0[1])" } ?? "h, w"
            return try Self.read(
                "noise", path, "[\(request.steps) steps, \(count) images, \(channels), \(place)]"
            ) { shape in
                shape.rank == 5 && shape.dimensions.prefix(3) == [request.steps, count, channels]
                    && (size.map { shape.dimensions.suffix(2) == $0[...] } ?? true)
            }
        }
    }

    private static func read(
        _ name: String, _ path: String, _ expected: String, _ fits: (Shape) -> Bool
    ) throws -> Tensor {
        let file = try SafetensorsFile(path: path)
        guard file[name].map({ ![nil, .int32].contains($0.type.dtype) }) ?? true else {
            throw ImageRequestError.tensors(
                path: path, reason: "\(name) holds no numbers of type f32, f16 or bf16")
        }
        let tensor = try file.tensor(name, as: .float32)
        guard fits(tensor.shape), tensor.elementCount > 0 else {
            throw ImageRequestError.tensors(
                path: path, reason: "\(name) has shape \(tensor.shape), expected \(expected)")
        }
        guard tensor.isFinite else {
            throw ImageRequestError.tensors(path: path, reason: "\(name) has values that are not finite")
        }
        return tensor
    }

    /// The size in pixels that the files are for; nil where there are none.
    func size(factor: Int) -> ImageSize? {
        (initial ?? steps).map { ImageSize(height: $0.shape[-2] * factor, width: $0.shape[-1] * factor) }
    }

    /// x_T of one image.
    ///
    /// - Parameter shape: `[1, h, w, C]`.
    func initialLatents(ofImage index: Int, _ shape: Shape) -> Tensor {
        initial.map { $0.slice(index..<index + 1).channelsLast }
            ?? Tensor.normal(
                shape, key: RandomPurpose.initialLatents.key(seed: seed), firstSample: index)
    }

    /// z of one image at each step.
    func source(ofImage index: Int, like x: Tensor) -> NoiseSource {
        guard let steps else {
            return SampleNoise(RandomPurpose.samplerNoise.key(seed: seed), firstSample: index).source(like: x)
        }
        return { step in
            let ofStep = steps.slice(step..<step + 1).reshaped(Array(steps.shape.dimensions.dropFirst()))
            return ofStep.slice(index..<index + 1).channelsLast
        }
    }
}

extension Tensor {
    /// Whether there is neither an infinity nor a NaN in it.
    var isFinite: Bool { FixedPoint.maxMagnitude(self, 0..<elementCount) != nil }
}
