import Diffusion
import Foundation
import Layers
import Telemetry
import TensorCore
import WeightFiles

/// Makes the images of a request and writes each as a PNG file once it is done.
///
/// Image i depends on the request and i alone, to the bit, however many are made.
///
/// - Returns: the paths of the PNG files.
///
/// Throws: `ImageRequestError`, `ModelFilesError`, `SafetensorsError`, `DiffusionError`, `AdapterFitError`,
/// `OutputDirectoryError`, `TelemetryError`.
public func writeImages(_ request: ImageRequest) throws -> [String] {
    try request.validate()
    Parallel.configure(threads: threadsPerRank(localSize: 1))
    let console = Console.standardError()
    try createDirectory(URL(fileURLWithPath: request.output))
    if let path = request.saveLatents {
        try createDirectory(URL(fileURLWithPath: path).deletingLastPathComponent())
        try SafetensorsFile.checkTarget(path)
    }
    let sampling = try ImageSampling(request)
    for note in sampling.notes { console.write("saddle: note: \(note)") }
    let images = try withoutRecording { try sampling.run(console) }
    if let path = request.saveLatents {
        let settings = request.settings(ofImage: 0, sampling.size)
        try SafetensorsFile.write(
            SampledImage.joined(images, textEmbeddings: sampling.textEmbeddings),
            metadata: settings.filter { $0.key != "index" && $0.key != "prompt" }, to: path)
    }
    return images.indices.map(sampling.path)
}

/// A request together with all that its images share.
private struct ImageSampling {
    let request: ImageRequest
    let pipeline: TextToImagePipeline
    let network: SampledNetwork
    let noise: GivenNoise
    let size: ImageSize
    let steps: [DDIMStep]
    let schedule: NoiseSchedule

    init(_ request: ImageRequest) throws {
        self.request = request
        pipeline = try TextToImagePipeline(directory: request.model, as: request.dtype)
        let configuration = pipeline.autoencoder.configuration
        noise = try GivenNoise(request, channels: configuration.latentChannels)
        size = try request.size(
            latents: noise.size(factor: configuration.downsampling), model: pipeline.defaultSize,
            factor: configuration.downsampling)
        guard request.steps <= pipeline.scheduler.trainSteps else {
            throw ImageRequestError.option(
                "--steps is \(request.steps), but the model's schedule has \(pipeline.scheduler.trainSteps) timesteps."
            )
        }
        schedule = try pipeline.scheduler.schedule()
        steps = try pipeline.scheduler.steps(count: request.steps, eta: request.eta)
        network = try SampledNetwork(request, pipeline)
    }

    var notes: [String] {
        let concepts = request.concepts.map(\.text)
        let texts = (concepts.isEmpty ? request.prompts : concepts) + [request.negativePrompt]
        return pipeline.notes(on: texts)
    }

    /// Embeddings of the prompt of every image.
    var textEmbeddings: Tensor {
        network.embeddings((0..<request.imageCount).map { $0 / request.count })
    }

    func path(ofImage index: Int) -> String {
        let digits = max(4, "\(request.imageCount - 1)".count)
        let number = "\(index)"
        return "\(request.output)/image-" + String(repeating: "0", count: digits - number.count)
            + "\(number).png"
    }

    func run(_ console: Console) throws -> [SampledImage] {
        let bar = ProgressBar(label: "sampling", total: request.imageCount * steps.count, console: console)
        defer { bar.finish() }
        return try (0..<request.imageCount).map { index in
            let sampled = try sample(index) { bar.update(index * steps.count + $0) }
            try write(sampled.image, index)
            return sampled
        }
    }

    private func sample(_ index: Int, progress: (Int) -> Void) throws -> SampledImage {
        let texts = [index / request.count]
        let guidance = request.guidance
        let x = noise.initialLatents(ofImage: index, pipeline.latentShape(1, size))
        var first: NetworkOutputs?
        if request.saveLatents != nil, let step = steps.first {
            first = try network.outputs(x, .all(step.timestep), texts: texts, withUnconditional: true)
        }
        var evaluations = 0
        let latents = try ddimSample(
            from: x, schedule: schedule, steps: steps, prediction: pipeline.scheduler.prediction,
            network: { x, timesteps in
                defer {
                    evaluations += 1
                    progress(evaluations)
                }
                return try network.outputs(
                    x, timesteps, texts: texts, withUnconditional: guidance != 1
                ).guided(by: guidance)
            }, noise: noise.source(ofImage: index, like: x))
        let image = pipeline.images(of: latents)
        guard latents.isFinite, image.isFinite else {
            throw ImageRequestError.notFinite(
                prompt: request.prompt(ofImage: index), what: "the latents or pixels")
        }
        return SampledImage(latents: latents, image: image, firstOutputs: first)
    }

    private func write(_ image: Tensor, _ index: Int) throws {
        let picture = PNGImage(
            width: size.width, height: size.height, channels: .rgb, values: image.floats, range: -1...1,
            text: request.settings(ofImage: index, size))
        try picture.write(to: URL(fileURLWithPath: path(ofImage: index)))
    }
}

/// One image, and what led to it.
private struct SampledImage {
    /// `[1, h, w, C]`.
    let latents: Tensor
    /// `[1, H, W, 3]`, not clamped.
    let image: Tensor
    /// What the UNet predicted at the first step.
    let firstOutputs: NetworkOutputs?

    /// All images' tensors as files hold them, `[N, C, …]`.
    static func joined(_ images: [SampledImage], textEmbeddings: Tensor) -> [String: Tensor] {
        let join = { (tensors: [Tensor]) in Tensor.concatenated(tensors).channelsFirst }
        var tensors = ["text_embeddings": textEmbeddings]
        tensors["latents"] = join(images.map(\.latents))
        tensors["images"] = join(images.map(\.image))
        let first = images.compactMap(\.firstOutputs)
        tensors["epsilon_uncond"] = join(first.compactMap(\.unconditional))
        tensors["epsilon_cond"] = join(first.map(\.conditional))
        return tensors
    }
}
