import Foundation

/// `lora_adapter_metadata` of a file's header: PEFT's configuration of each network, as diffusers keeps it.
struct LoRAMetadata {
    static let key = "lora_adapter_metadata"

    private let networks: [LoRATarget: Network]

    /// What PEFT's LoraConfig says of strength.
    struct Network: Decodable {
        var rank: Int?
        let alpha: Double
        var rankPattern: [String: Int]?
        var alphaPattern: [String: Double]?
        var usesRootOfRank: Bool?
        var usesDecomposition: Bool?

        enum CodingKeys: String, CodingKey {
            case rank = "r"
            case alpha = "lora_alpha"
            case rankPattern = "rank_pattern"
            case alphaPattern = "alpha_pattern"
            case usesRootOfRank = "use_rslora"
            case usesDecomposition = "use_dora"
        }
    }

    /// - Parameter text: JSON; keys have the network's name before a dot, or none in a file of one network.
    init(_ text: String, path: String) throws {
        func invalid(_ reason: String) -> ModelFilesError {
            .invalid(path: path, reason: "\(Self.key): \(reason)")
        }
        // A JSON object over all networks; each network's part is decoded by itself.
        guard let all = (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] else {
            throw invalid("not a JSON object")
        }
        var networks: [LoRATarget: Network] = [:]
        for target in LoRATarget.allCases {
            let prefix = target.rawValue + "."
            let own = all.filter { $0.key.hasPrefix(prefix) }.map {
                (String($0.key.dropFirst(prefix.count)), $0.value)
            }
            let isBare = all["lora_alpha"] != nil
            guard isBare || !own.isEmpty else { continue }
            let members = isBare ? all : Dictionary(own, uniquingKeysWith: { $1 })
            let data = try JSONSerialization.data(withJSONObject: members)
            do {
                networks[target] = try JSONDecoder().decode(Network.self, from: data)
            } catch {
                throw invalid(
                    "\(target.rawValue) has no usable r, lora_alpha, rank_pattern and alpha_pattern")
            }
        }
        self.networks = networks
    }

    /// α / r of a module, or α / √r where the file says so; nil for a network it says nothing of.
    ///
    /// - Parameter rank: of the module's tensors.
    func scale(of module: String, in target: LoRATarget, rank: Int, path: String) throws -> Double? {
        guard let network = networks[target] else { return nil }
        guard network.usesDecomposition != true else {
            throw ModelFilesError.unsupported(
                path: path, what: "a DoRA adapter", advice: "Train or convert it as plain LoRA.")
        }
        let stated = try value(network.rankPattern, for: module, path: path) ?? network.rank
        if let stated, stated != rank {
            throw ModelFilesError.invalid(
                path: path, reason: "\(module) has LoRA rank \(rank), \(Self.key) says \(stated)")
        }
        let alpha = try value(network.alphaPattern, for: module, path: path) ?? network.alpha
        return alpha / (network.usesRootOfRank == true ? Double(rank).squareRoot() : Double(rank))
    }

    /// PEFT looks patterns up as regular expressions for the end of a path, the first one wins; diffusers writes
    /// keys sorted.
    private func value<Value>(_ table: [String: Value]?, for module: String, path: String) throws -> Value? {
        for (key, value) in (table ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let pattern = ModulePattern(key) else {
                throw ModelFilesError.unsupported(
                    path: path, what: "\(Self.key): the pattern \"\(key)\"",
                    advice: "Name the modules, with '.', '.*', '.+' or '\\d+' for what varies.")
            }
            if pattern.matches(endOf: module) { return value }
        }
        return nil
    }
}
