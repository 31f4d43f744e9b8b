import Layers
import TensorCore
import WeightFiles

/// The autoencoder of latent diffusion (Rombach and others 2022, §3.1), as diffusers' AutoencoderKL.
///
/// Latents are those of the diffusion model, multiplied by the scaling factor. Activations have the type of the
/// input, whatever the weights are held in.
///
/// - Shapes: images `[N, H, W, 3]` in −1…1, latents `[N, h, w, 4]`, H = `downsampling` · h (channels as configured).
public final class Autoencoder: CompositeModule {
    public let configuration: AutoencoderConfiguration
    private let encoder: AutoencoderHalf
    private let decoder: AutoencoderHalf
    private let quantConvolution: Conv2d?
    private let postQuantConvolution: Conv2d?

    public init(_ source: ParameterSource, _ configuration: AutoencoderConfiguration) {
        let latent = configuration.latentChannels
        self.configuration = configuration
        encoder = .encoder(source / "encoder", configuration)
        decoder = .decoder(source / "decoder", configuration)
        quantConvolution =
            configuration.hasQuantConvolution
            ? Conv2d(source / "quant_conv", 2 * latent, 2 * latent, kernel: 1) : nil
        postQuantConvolution =
            configuration.hasPostQuantConvolution
            ? Conv2d(source / "post_quant_conv", latent, latent, kernel: 1) : nil
    }

    /// The distribution q(z|x) of an image's latents.
    public func encode(_ images: Tensor) -> LatentDistribution {
        let factor = configuration.downsampling
        precondition(
            images.shape.rank == 4 && images.shape.last == configuration.imageChannels
                && images.shape[1].isMultiple(of: factor) && images.shape[2].isMultiple(of: factor),
            "Autoencoder.encode: got images \(images.shape), expected [N, H, W, \(configuration.imageChannels)]"
                + " with multiples of \(factor)")
        let hidden = encoder.stages.reduce(images) { $1($0) }
        let moments = quantConvolution.map { $0(hidden) } ?? hidden
        let latent = configuration.latentChannels
        return LatentDistribution(
            mean: moments.slice(0..<latent, axis: 3),
            logVariance: moments.slice(latent..<2 * latent, axis: 3).clamped(-30, 20),
            scalingFactor: configuration.scalingFactor)
    }

    /// The images of latents, not clamped.
    ///
    /// - Parameter memory: what is kept for a backward pass.
    public func decode(_ latents: Tensor, memory: DecoderMemory = .activations) -> Tensor {
        precondition(
            latents.shape.rank == 4 && latents.shape.last == configuration.latentChannels,
            "Autoencoder.decode: got latents \(latents.shape), expected [N, h, w, \(configuration.latentChannels)]"
        )
        let z = latents / configuration.scalingFactor
        // Image by image: only one image's activations exist at a time.
        return Tensor.concatenated(
            (0..<z.shape[0]).map { image in decodeOne(z.slice(image..<image + 1), memory) })
    }

    private func decodeOne(_ z: Tensor, _ memory: DecoderMemory) -> Tensor {
        let hidden = postQuantConvolution.map { $0(z) } ?? z
        switch memory {
        case .activations:
            return decoder.stages.reduce(hidden) { $1($0) }
        case .stages:
            return decoder.stages.reduce(hidden) { h, stage in segment([h]) { stage($0[0]) } }
        case .latents:
            let stages = decoder.stages
            return segment([hidden]) { inputs in
                stages.reduce(inputs[0]) { h, stage in segment([h]) { stage($0[0]) } }
            }
        }
    }

    public var children: [(name: String, module: any Module)] {
        [("encoder", encoder), ("decoder", decoder)]
            + (quantConvolution.map { [("quant_conv", $0)] } ?? [])
            + (postQuantConvolution.map { [("post_quant_conv", $0)] } ?? [])
    }
}

/// What the decoder keeps for a backward pass; the less, the more it computes again (Chen and others 2016).
public enum DecoderMemory: Sendable, CaseIterable {
    /// Everything: no recomputation.
    case activations
    /// What goes into each stage: one more forward pass.
    case stages
    /// The latents alone; the stages of one image at a time during the backward pass: two more forward passes.
    case latents
}

/// A Gaussian of independent coordinates over the autoencoder's latents.
public struct LatentDistribution {
    /// As the encoder gives it, not scaled.
    public let mean: Tensor
    /// ln σ², in −30…20.
    public let logVariance: Tensor
    let scalingFactor: Double

    /// The mean as the diffusion model takes it.
    public var mode: Tensor { mean * scalingFactor }

    /// A sample as the diffusion model takes it, made of standard normals.
    public func sample(noise: Tensor) -> Tensor {
        (mean + (logVariance * 0.5).exp() * noise) * scalingFactor
    }
}

extension Autoencoder {
    /// Reads a pipeline's `vae`.
    ///
    /// - Parameters:
    ///   - variant: as in `diffusion_pytorch_model.fp16.safetensors`; nil chooses.
    ///   - dtype: the type to hold weights in; nil keeps the stored one.
    /// - Throws: `ModelFilesError`, `SafetensorsError`.
    public static func load(
        _ directory: ComponentDirectory, variant: String? = nil, as dtype: DType? = .float32
    ) throws -> Autoencoder {
        let configuration = try AutoencoderConfiguration.read(directory)
        return try directory.weights(variant: variant, naming: .autoencoder).model(as: dtype) {
            Autoencoder($0, configuration)
        }
    }
}
