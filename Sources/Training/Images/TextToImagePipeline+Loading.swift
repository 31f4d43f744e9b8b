import Diffusion
import Foundation
import Models
import TensorCore
import WeightFiles

extension TextToImagePipeline {
    /// Reads a diffusers directory.
    ///
    /// - Parameter dtype: the type to hold weights in; activations are f32.
    /// - Throws: `ModelFilesError`, `SafetensorsError`, `DiffusionError`.
    public init(directory path: String, as dtype: DType = .float32) throws {
        let directory = try PipelineDirectory(path: path)
        let schedulerClass = directory.componentClasses["scheduler"] ?? ""
        // Everything that is small comes first, so that mistakes show before gigabytes are read.
        let scheduler = try directory.component("scheduler", classes: Self.schedulers)
        let text = try directory.component("text_encoder", classes: ["CLIPTextModel"])
        let tokenizer = try directory.component(
            "tokenizer", classes: ["CLIPTokenizer", "CLIPTokenizerFast"])
        let unet = try directory.component("unet", classes: ["UNet2DConditionModel"])
        let autoencoder = try directory.component("vae", classes: ["AutoencoderKL"])
        self.scheduler = try Self.scheduler(scheduler)
        self.tokenizer = try CLIPTokenizer(directory: tokenizer.path)
        let sampleSize = try unet.configuration(SampleSize.self)
        try sampleSize.validate(path: unet.path)
        textEncoder = try CLIPTextModel.load(text, as: dtype)
        self.autoencoder = try Autoencoder.load(autoencoder, as: dtype)
        self.unet = try UNet2DConditionModel.load(unet, as: dtype)
        let factor = self.autoencoder.configuration.downsampling
        defaultSize = ImageSize(height: sampleSize.height * factor, width: sampleSize.width * factor)
        notes = Self.notes(on: self.scheduler, className: schedulerClass)
        try checkFit(path: path)
    }

    private static func scheduler(_ component: ComponentDirectory) throws -> SchedulerConfiguration {
        let path = "\(component.path)/scheduler_config.json"
        do {
            let scheduler = try JSONFile.decode(SchedulerConfiguration.self, from: path)
            _ = try scheduler.schedule()
            if let name = scheduler.className, !schedulers.contains(name) {
                throw ModelFilesError.unsupported(
                    path: path, what: "a schedule of \(name) is not supported",
                    advice: "Use a model with \(schedulers.sorted().joined(separator: ", ")).")
            }
            return scheduler
        } catch let error as DiffusionError {
            throw ModelFilesError.invalid(path: path, reason: error.description)
        }
    }

    /// Samplers of diffusers whose files describe a noise schedule that DDIM can take over.
    private static let schedulers = Set(
        [
            "DDIM", "DDPM", "PNDM", "LMSDiscrete", "EulerDiscrete", "EulerAncestralDiscrete", "HeunDiscrete",
            "KDPM2Discrete", "KDPM2AncestralDiscrete", "DPMSolverMultistep", "DPMSolverSinglestep",
            "DEISMultistep", "UniPCMultistep",
        ].map { $0 + "Scheduler" })

    private static func notes(on scheduler: SchedulerConfiguration, className: String) -> [String] {
        var notes: [String] = []
        if className != "DDIMScheduler" {
            notes.append("the model's scheduler is \(className); sampling uses DDIM with its noise schedule")
        }
        if scheduler.clipSample {
            notes.append(
                "scheduler_config.json has clip_sample true (or no clip_sample): latents are clamped to "
                    + "±\(scheduler.clipSampleRange), which diffusers' StableDiffusionPipeline never does")
        }
        return notes
    }

    private func checkFit(path: String) throws {
        func invalid(_ reason: String) -> ModelFilesError { .invalid(path: path, reason: reason) }
        let width = textEncoder.configuration.encoder.width
        if let other = unet.configuration.contextWidths.first(where: { $0 != width }) {
            throw invalid("the text encoder gives \(width) features, the UNet takes \(other)")
        }
        let channels = autoencoder.configuration.latentChannels
        let (taken, given) = (unet.configuration.inChannels, unet.configuration.outChannels)
        guard taken == channels, given == channels else {
            throw invalid(
                "the autoencoder has \(channels) latent channels, the UNet takes \(taken) and gives \(given)")
        }
        guard tokenizer.maximumLength <= textEncoder.configuration.positions else {
            throw invalid(
                "the tokenizer makes \(tokenizer.maximumLength) ids, the text encoder takes "
                    + "\(textEncoder.configuration.positions)")
        }
        guard tokenizer.vocabularySize <= textEncoder.configuration.vocabularySize else {
            throw invalid(
                "the tokenizer has ids up to \(tokenizer.vocabularySize - 1), the text encoder "
                    + "\(textEncoder.configuration.vocabularySize) tokens")
        }
    }
}

extension UNetConfiguration {
    /// What each level with attention takes.
    fileprivate var contextWidths: [Int] {
        levels.filter { $0.hasAttentionDown || $0.hasAttentionUp }.map(\.context)
    }
}

/// `sample_size` of the UNet's configuration: the size of latents it was trained on.
private struct SampleSize: Decodable {
    var height = 64
    var width = 64

    private enum CodingKeys: String, CodingKey { case size = "sample_size" }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let side = try? container.decode(Int.self, forKey: .size) {
            (height, width) = (side, side)
        } else if let sides = try container.decodeIfPresent([Int].self, forKey: .size), sides.count == 2 {
            (height, width) = (sides[0], sides[1])
        }
    }

    /// - Throws: `ModelFilesError.invalid` for a size that no image has.
    func validate(path: String) throws {
        guard [height, width].allSatisfy((1...1 << 14).contains) else {
            throw ModelFilesError.invalid(
                path: "\(path)/config.json", reason: "sample_size is \(height) × \(width)")
        }
    }
}
