import Models
import TensorCore

/// What the benchmarks of networks are asked to do.
public struct NetworkBenchmarkOptions: Sendable {
    /// Structures whose sizes are known here.
    public enum Network: String, CaseIterable, Sendable {
        /// Stable Diffusion 1.5.
        case sd15

        var unet: UNetConfiguration {
            switch self {
            case .sd15: .stableDiffusion1
            }
        }

        var autoencoder: AutoencoderConfiguration {
            switch self {
            case .sd15: .stableDiffusion
            }
        }

        var text: CLIPTextConfiguration {
            switch self {
            case .sd15: .stableDiffusion1
            }
        }
    }

    /// Types in which weights and activations can be.
    public enum Precision: String, CaseIterable, Sendable {
        case f32, bf16, f16

        var dtype: DType {
            switch self {
            case .f32: .float32
            case .bf16: .bfloat16
            case .f16: .float16
            }
        }
    }

    public var network = Network.sd15
    public var batch = 2
    /// Height and width of latents.
    public var latent = 64
    /// Forward and backward, rather than forward alone.
    public var isBackward = false
    /// Whether layers keep their inputs only and compute the rest again in the backward pass.
    public var isSegmented = false
    public var precision = Precision.f32

    public init() {}
}
