import Layers
import Models
import TensorCore

extension NetworkWork {
    /// Of a UNet.
    init(_ configuration: UNetConfiguration, batch: Int, latent: Int, tokens: Int) {
        let sizes = configuration.levels.indices.map { level in
            (0..<level).reduce(latent) { size, _ in (size + 1) / 2 }
        }
        self.init()
        for (name, shape) in ParameterSource.declarations(of: { UNet2DConditionModel($0, configuration) })
        where shape.rank > 1 {
            let pixels = sizes[configuration.level(of: name)] * sizes[configuration.level(of: name)]
            let isOfText = name.contains("attn2.to_k") || name.contains("attn2.to_v")
            let rows = name.contains("time_emb") ? 1 : batch * (isOfText ? tokens : pixels)
            weightProducts += 2 * Double(rows * shape.elementCount)
            if name.hasSuffix("to_q.weight") {
                let keys = name.contains("attn2") ? tokens : pixels
                attentionProducts += 4 * Double(batch * pixels * keys * shape[0])
            }
        }
    }
}

extension UNetConfiguration {
    /// The level whose size the outputs of a layer have, by the name of its weight.
    fileprivate func level(of name: String) -> Int {
        let parts = name.split(separator: ".")
        let block = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        switch parts[0] {
        case "down_blocks": return block + (name.contains("downsamplers") ? 1 : 0)
        case "mid_block": return levels.count - 1
        case "up_blocks": return levels.count - 1 - block - (name.contains("upsamplers") ? 1 : 0)
        default: return 0
        }
    }
}
