import Diffusion
import Layers
import Models
import TensorCore

/// Latent diffusion from text to images (Rombach et al. 2022), as diffusers' StableDiffusionPipeline runs it: text
/// encoder, UNet, autoencoder and noise schedule, all frozen.
///
/// Nothing here knows a sampler: `network` is the closure that those of `Diffusion` take.
public struct TextToImagePipeline: Sendable {
    public let tokenizer: CLIPTokenizer
    public let textEncoder: CLIPTextModel
    public let unet: UNet2DConditionModel
    public let autoencoder: Autoencoder
    public let scheduler: SchedulerConfiguration
    /// What is made where nobody asks for a size.
    public let defaultSize: ImageSize
    /// What whoever started the program should know about the model's files.
    public let notes: [String]

    /// Text embeddings, one text at a time, so that a text's do not depend on its company.
    ///
    /// - Shapes: result `[texts, tokens, D]`.
    public func embeddings(of texts: [String], adapters: AdapterPass = .base) -> Tensor {
        Tensor.concatenated(
            texts.map { text in
                let ids = tokenizer(text)
                return textEncoder(Tensor(indices: ids, shape: [1, ids.count]), adapters: adapters)
            })
    }

    /// Images of latents, in −1…1 but for what the decoder overshoots.
    ///
    /// - Shapes: latents `[N, h, w, C]`, result `[N, H, W, 3]`.
    public func images(of latents: Tensor, memory: DecoderMemory = .activations) -> Tensor {
        autoencoder.decode(latents, memory: memory)
    }

    /// Shape of the latents of `count` images.
    public func latentShape(_ count: Int, _ size: ImageSize) -> Shape {
        let factor = autoencoder.configuration.downsampling
        return [
            count, size.height / factor, size.width / factor, autoencoder.configuration.latentChannels,
        ]
    }

    /// `notes`, and what of each text is cut off.
    func notes(on texts: [String]) -> [String] {
        notes + texts.compactMap { cutOff(of: $0)?.description }
    }

    /// What of a text the tokenizer cuts off; nil where it all fits.
    ///
    /// A word of which a part is cut counts as a whole.
    func cutOff(of text: String) -> Truncation? {
        let room = tokenizer.maximumLength - 2
        let count = tokenizer.ids(of: text).count
        guard count > room else { return nil }
        let words = text.split(whereSeparator: \.isWhitespace)
        var kept = (0, words.count)
        // The most words that fit: tokens only grow in number with words.
        while kept.0 < kept.1 {
            let middle = (kept.0 + kept.1 + 1) / 2
            let fits = tokenizer.ids(of: words[..<middle].joined(separator: " ")).count <= room
            kept = fits ? (middle, kept.1) : (kept.0, middle - 1)
        }
        return Truncation(
            tokens: count, room: room, text: words[kept.0...].joined(separator: " "))
    }
}

/// A text that is too long for the text encoder.
struct Truncation: Equatable, CustomStringConvertible {
    let tokens: Int
    let room: Int
    /// What the model does not see.
    let text: String

    var description: String {
        "the prompt has \(tokens) tokens and the text encoder reads \(room): \"\(text)\" is cut off"
    }
}

/// Size of an image in pixels.
public struct ImageSize: Sendable, Equatable, CustomStringConvertible {
    public var height: Int
    public var width: Int

    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    public var description: String { "\(width)x\(height)" }
}
