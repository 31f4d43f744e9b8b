import WeightFiles

/// Structure of a `UNet2DConditionModel` of Stable Diffusion 1 and 2, of any size.
public struct UNetConfiguration: Sendable, Equatable {
    /// One resolution on the way down, and its mirror on the way up.
    public struct Level: Sendable, Equatable {
        public var channels: Int
        /// Residual blocks on the way down; there is one more on the way up.
        public var layers: Int
        /// Transformer blocks after each residual block.
        public var transformerLayers = 1
        public var heads = 8
        /// Whether there is attention on the way down, and on the way up.
        public var hasAttentionDown: Bool
        public var hasAttentionUp: Bool
        /// Whether the first attention of a block looks at the text too, instead of at the image.
        public var hasCrossAttentionOnly = false
        /// Width of the text embeddings.
        public var context: Int

        public init(
            channels: Int, layers: Int, hasAttentionDown: Bool, hasAttentionUp: Bool, context: Int
        ) {
            self.channels = channels
            self.layers = layers
            self.hasAttentionDown = hasAttentionDown
            self.hasAttentionUp = hasAttentionUp
            self.context = context
        }
    }

    public var inChannels = 4
    public var outChannels = 4
    /// Finest first.
    public var levels: [Level]
    public var hasMidBlock = true
    public var groups = 32
    public var epsilon = 1e-5
    public var usesLinearProjection = false
    /// Whether latents in [0, 1] are expected, to be moved to [−1, 1].
    public var centersInput = false
    /// Whether the cosines of the time embedding come before the sines.
    public var putsCosinesFirst = true
    public var frequencyShift = 0.0
    public var timeWidth: Int
    public var inputKernel = 3
    public var outputKernel = 3

    /// - Parameter levels: finest first.
    public init(levels: [Level]) {
        precondition(!levels.isEmpty, "UNetConfiguration: needs at least one level")
        self.levels = levels
        timeWidth = 4 * levels[0].channels
    }

    /// Stable Diffusion 1.5.
    public static var stableDiffusion1: UNetConfiguration {
        let channels = [320, 640, 1280, 1280]
        return UNetConfiguration(
            levels: channels.indices.map { index in
                Level(
                    channels: channels[index], layers: 2, hasAttentionDown: index < 3,
                    hasAttentionUp: index < 3, context: 768)
            })
    }

    /// Sizes of latents are halved this many times.
    public var downsamplings: Int { levels.count - 1 }
}
