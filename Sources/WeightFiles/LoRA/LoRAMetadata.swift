import Foundation

/// PEFT's configuration of each network, as far as it says how strong an adapter is.
///
/// diffusers keeps it as `lora_adapter_metadata` in a file's header, PEFT as `adapter_config.json` beside the file.
struct LoRAMetadata {
    static let key = "lora_adapter_metadata"

    /// The file that has it, and under which name: for messages.
    private let path: String
    private let source: String
    private let networks: [LoRATarget: Network]
    /// Keys of each table in the order of the text, which decoding loses.
    private let keys: [String: [String]]

    /// What PEFT's LoraConfig says of one network.
    private struct Network: Decodable {
        var kind: String?
        var rank: Int?
        let alpha: Double
        var rankPattern: [String: Int]?
        var alphaPattern: [String: Double]?
        var usesRootOfRank: Bool?
        var usesDecomposition: Bool?
        var initialization: Initialization?

        enum CodingKeys: String, CodingKey {
            case kind = "peft_type"
            case rank = "r"
            case alpha = "lora_alpha"
            case rankPattern = "rank_pattern"
            case alphaPattern = "alpha_pattern"
            case usesRootOfRank = "use_rslora"
            case usesDecomposition = "use_dora"
            case initialization = "init_lora_weights"
        }
    }

    /// A name, or whether PEFT's usual one was used.
    private struct Initialization: Decodable {
        var name: String?

        /// Those that subtract the adapter from the base at the start, so that it belongs to another base.
        var changesBase: Bool {
            ["pissa", "olora", "corda", "loftq", "lora_ga"].contains { name?.hasPrefix($0) == true }
        }

        init(from decoder: any Decoder) throws {
            name = try? decoder.singleValueContainer().decode(String.self)
        }
    }

    /// - Parameters:
    ///   - text: JSON; keys have the network's name before a dot, or none in a file of one network.
    ///   - source: what `path` holds the text as, for messages.
    /// - Throws: `ModelFilesError`.
    init(_ text: Data, source: String = key, path: String) throws {
        (self.source, self.path) = (source, path)
        func invalid(_ reason: String) -> ModelFilesError {
            .invalid(path: path, reason: "\(source): \(reason)")
        }
        // A JSON object over all networks; each network's part is decoded by itself.
        guard let all = (try? JSONSerialization.jsonObject(with: text)) as? [String: Any] else {
            throw invalid("not a JSON object")
        }
        keys = try Self.keysOfTables(text, path: path)
        var networks: [LoRATarget: Network] = [:]
        let isOfOne = !all.keys.contains { key in
            LoRATarget.allCases.contains { key.hasPrefix($0.rawValue + ".") }
        }
        for target in LoRATarget.allCases {
            let prefix = target.rawValue + "."
            let own = all.filter { $0.key.hasPrefix(prefix) }.map {
                (String($0.key.dropFirst(prefix.count)), $0.value)
            }
            guard isOfOne && !all.isEmpty || !own.isEmpty else { continue }
            let members = isOfOne ? all : Dictionary(own, uniquingKeysWith: { $1 })
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

    private static func keysOfTables(_ text: Data, path: String) throws -> [String: [String]] {
        try text.withUnsafeBytes { bytes in
            var keys: [String: [String]] = [:]
            var cursor = JSONCursor(bytes, from: 0, file: path)
            try cursor.sequence("{", "}") { cursor in
                let table = try cursor.string()
                try cursor.expect(":")
                cursor.skipSpace()
                guard cursor.next == UInt8(ascii: "{") else { return try cursor.skipValue() }
                try cursor.sequence("{", "}") { cursor in
                    keys[table, default: []].append(try cursor.string())
                    try cursor.expect(":")
                    try cursor.skipValue()
                }
            }
            return keys
        }
    }

    /// α / r of a module, or α / √r where the metadata say so; nil for a network they say nothing of.
    ///
    /// - Parameter rank: of the module's tensors.
    /// - Throws: `ModelFilesError`.
    func scale(of module: String, in target: LoRATarget, rank: Int) throws -> Double? {
        guard let network = networks[target] else { return nil }
        if let kind = network.kind, kind != "LORA" {
            throw ModelFilesError.unsupported(
                path: path, what: "\(source): peft_type is \(kind)",
                advice: "Saddle reads plain LoRA, of type LORA.")
        }
        if let initialization = network.initialization, initialization.changesBase {
            throw ModelFilesError.unsupported(
                path: path,
                what:
                    "\(source): init_lora_weights is \(initialization.name ?? ""), which changes the base model too",
                advice: "Save it from PEFT with path_initial_model_for_weight_conversion, as plain LoRA.")
        }
        guard network.usesDecomposition != true else {
            throw ModelFilesError.unsupported(
                path: path, what: "a DoRA adapter", advice: "Train or convert it as plain LoRA.")
        }
        let stated = try value(network.rankPattern, .rankPattern, of: module, in: target) ?? network.rank
        if let stated, stated != rank {
            throw ModelFilesError.invalid(
                path: path, reason: "\(module) has LoRA rank \(rank), \(source) says \(stated)")
        }
        let alpha = try value(network.alphaPattern, .alphaPattern, of: module, in: target) ?? network.alpha
        return alpha / (network.usesRootOfRank == true ? Double(rank).squareRoot() : Double(rank))
    }

    /// PEFT looks patterns up as regular expressions for the end of a path; the first one in the file wins.
    private func value<Value>(
        _ table: [String: Value]?, _ key: Network.CodingKeys, of module: String, in target: LoRATarget
    ) throws -> Value? {
        guard let table else { return nil }
        let ordered = keys["\(target.rawValue).\(key.rawValue)"] ?? keys[key.rawValue] ?? []
        for key in ordered {
            guard let pattern = ModulePattern(key) else {
                throw ModelFilesError.unsupported(
                    path: path, what: "\(source): the pattern \"\(key)\"",
                    advice: "Name the modules, with '.*', '\\d+', '[qk]' or '(a|b)' for what varies.")
            }
            if pattern.matches(endOf: module) { return table[key] }
        }
        return nil
    }
}
