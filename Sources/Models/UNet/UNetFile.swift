import WeightFiles

/// `config.json` of a UNet2DConditionModel, as diffusers names its keys.
struct UNetFile: Decodable {
    enum Key: String, CaseIterable, CodingKey {
        case inChannels = "in_channels"
        case outChannels = "out_channels"
        case centersInput = "center_input_sample"
        case putsCosinesFirst = "flip_sin_to_cos"
        case frequencyShift = "freq_shift"
        case downBlocks = "down_block_types"
        case midBlock = "mid_block_type"
        case upBlocks = "up_block_types"
        case crossAttentionOnly = "only_cross_attention"
        case channels = "block_out_channels"
        case layers = "layers_per_block"
        case groups = "norm_num_groups"
        case epsilon = "norm_eps"
        case context = "cross_attention_dim"
        case transformerLayers = "transformer_layers_per_block"
        /// diffusers' name notwithstanding, the number of heads.
        case heads = "attention_head_dim"
        case usesLinearProjection = "use_linear_projection"
        case timeWidth = "time_embedding_dim"
        case inputKernel = "conv_in_kernel"
        case outputKernel = "conv_out_kernel"
    }

    enum Block: Equatable { case plain, crossAttention }

    /// A value of a key that Saddle has not.
    struct Refusal: Equatable {
        let key: String
        let value: String
        let expected: String
    }

    let inChannels, outChannels: Int
    let centersInput, putsCosinesFirst: Bool
    let frequencyShift: Double
    let downBlocks, upBlocks: [Block]
    let hasMidBlock: Bool
    let crossAttentionOnly: OneOrMany<Bool>
    let channels: [Int]
    let layers: OneOrMany<Int>
    let groups: Int
    let epsilon: Double
    let context, transformerLayers, heads: OneOrMany<Int>
    let usesLinearProjection: Bool
    let timeWidth: Int?
    let inputKernel, outputKernel: Int
    private(set) var refused: Refusal?

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        // An absent key has diffusers' default.
        func value<Value: Decodable>(_ key: Key, _ fallback: Value) throws -> Value {
            container.contains(key) ? try container.decode(Value.self, forKey: key) : fallback
        }
        inChannels = try value(.inChannels, 4)
        outChannels = try value(.outChannels, 4)
        centersInput = try value(.centersInput, false)
        putsCosinesFirst = try value(.putsCosinesFirst, true)
        frequencyShift = try value(.frequencyShift, 0)
        crossAttentionOnly = try value(.crossAttentionOnly, .one(false))
        channels = try value(.channels, [320, 640, 1280, 1280])
        layers = try value(.layers, .one(2))
        groups = try value(.groups, 32)
        epsilon = try value(.epsilon, 1e-5)
        context = try value(.context, .one(1280))
        transformerLayers = try value(.transformerLayers, .one(1))
        heads = try value(.heads, .one(8))
        usesLinearProjection = try value(.usesLinearProjection, false)
        timeWidth = try container.decodeIfPresent(Int.self, forKey: .timeWidth)
        inputKernel = try value(.inputKernel, 3)
        outputKernel = try value(.outputKernel, 3)

        let cross = ["CrossAttnDownBlock2D", "CrossAttnUpBlock2D"]
        let down = try value(.downBlocks, Array(repeating: cross[0], count: 3) + ["DownBlock2D"])
        let up = try value(.upBlocks, ["UpBlock2D"] + Array(repeating: cross[1], count: 3))
        let mid = try value(.midBlock, String?.some("UNetMidBlock2DCrossAttn"))
        downBlocks = down.map { $0 == cross[0] ? .crossAttention : .plain }
        upBlocks = up.map { $0 == cross[1] ? .crossAttention : .plain }
        hasMidBlock = mid != nil
        refused =
            try Self.unknownBlock(down, key: .downBlocks, known: ["DownBlock2D", cross[0]])
            ?? Self.unknownBlock(up, key: .upBlocks, known: ["UpBlock2D", cross[1]])
            ?? Self.unknownBlock(mid.map { [$0] } ?? [], key: .midBlock, known: ["UNetMidBlock2DCrossAttn"])
            ?? Self.unsupportedOption(decoder)
    }

    private static func unknownBlock(_ blocks: [String], key: Key, known: [String]) -> Refusal? {
        blocks.first { !known.contains($0) }.map {
            Refusal(key: key.rawValue, value: "\"\($0)\"", expected: known.joined(separator: " or "))
        }
    }

    /// A key outside `Key` that is set to what this model has not.
    private static func unsupportedOption(_ decoder: any Decoder) throws -> Refusal? {
        let container = try decoder.container(keyedBy: AnyKey.self)
        for key in container.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
            let name = key.stringValue
            guard Key(rawValue: name) == nil, let allowed = UNetOption.allowed(name) else { continue }
            let value = try container.decode(UNetOption.self, forKey: key)
            guard !allowed.contains(value) else { continue }
            let expected = allowed.map(\.description).joined(separator: " or ")
            return Refusal(
                key: name, value: value.description,
                expected: allowed.isEmpty ? "no such key" : "\(name) \(expected)")
        }
        return nil
    }
}

/// One value for all levels, or a list with one for each.
enum OneOrMany<Value: Decodable & Sendable>: Decodable, CustomStringConvertible {
    case one(Value)
    case many([Value])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let values = try? container.decode([Value].self) {
            self = .many(values)
        } else {
            self = .one(try container.decode(Value.self))
        }
    }

    /// nil if there are not as many.
    func values(_ count: Int) -> [Value]? {
        switch self {
        case .one(let value): Array(repeating: value, count: count)
        case .many(let values): values.count == count ? values : nil
        }
    }

    var description: String {
        switch self {
        case .one(let value): "\(value)"
        case .many(let values): "\(values)"
        }
    }
}
