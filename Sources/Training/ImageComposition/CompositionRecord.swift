import Foundation

/// `composition.json`: what was found, for `saddle sample --composition RUN`.
struct CompositionRecord: Codable, Sendable {
    static let fileName = "composition.json"

    struct Member: Codable, Sendable {
        let name: String
        let weight: Double
        /// Path of an adapter, or
        var adapter: String?
        /// directory of a pipeline, or
        var model: String?
        /// a concept.
        var prompt: String?
    }

    /// Diffusers directory of the base.
    let model: String
    let combine: String
    let members: [Member]
    let steps: Int
    let eta: Double
    let guidance: Double
    let negativePrompt: String
    /// nil is what the model was trained on.
    var height: Int?
    var width: Int?
    /// The type that weights were held in.
    var dtype: String?

    enum CodingKeys: String, CodingKey {
        case model, combine, members, steps, eta, guidance, height, width, dtype
        case negativePrompt = "negative_prompt"
    }
}

extension CompositionRecord {
    init(_ configuration: ImageCompositionConfiguration, multipliers: [Double]) {
        model = configuration.model
        combine = configuration.combine.rawValue
        members = zip(configuration.memberNames, multipliers).enumerated().map { index, pair in
            var member = Member(name: pair.0, weight: pair.1)
            member.adapter = configuration.adapters?[index].file
            member.model = configuration.models?[index].model
            if configuration.hasConcepts, case .list(let concepts) = configuration.prompts {
                member.prompt = concepts[index]
            }
            return member
        }
        let sampling = configuration.sampling
        (steps, eta, guidance) = (sampling.steps, sampling.eta, sampling.guidance)
        negativePrompt = sampling.negativePrompt
        (height, width) = (sampling.height, sampling.width)
        dtype = configuration.dtype.rawValue
    }

    /// Reads the record of a run directory, or the file itself.
    ///
    /// - Throws: `ImageCompositionError.record`, `SamplingError.missing`.
    init(at path: String) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw SamplingError.missing(path: path)
        }
        let file = isDirectory.boolValue ? "\(path)/\(Self.fileName)" : path
        guard let data = FileManager.default.contents(atPath: file) else {
            throw ImageCompositionError.record(
                path: path,
                reason:
                    "has no \(Self.fileName). `saddle compose` with a text-to-image model writes it when it ends"
            )
        }
        do {
            self = try JSONDecoder().decode(CompositionRecord.self, from: data)
        } catch {
            throw ImageCompositionError.record(path: file, reason: "is no record of a composition")
        }
        try check(file)
    }

    private func check(_ file: String) throws {
        let sum = members.reduce(0) { $0 + $1.weight }
        let kinds = members.map { [$0.adapter, $0.model, $0.prompt].map { $0 != nil } }
        if members.isEmpty {
            throw ImageCompositionError.record(path: file, reason: "has no members")
        }
        if Set(kinds).count > 1 || kinds[0].filter({ $0 }).count != 1 {
            throw ImageCompositionError.record(
                path: file, reason: "members are adapters, models or prompts, all of one kind")
        }
        if ImageCompositionConfiguration.Combination(rawValue: combine) == nil {
            throw ImageCompositionError.record(
                path: file, reason: "combine is \"\(combine)\", must be score or weight")
        }
        if abs(sum - 1) > 1e-6 {
            throw ImageCompositionError.record(
                path: file, reason: "the members' weights sum to \(sum), must sum to 1")
        }
    }
}
