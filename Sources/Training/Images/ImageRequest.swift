import TensorCore

/// What `saddle sample` is asked of a text-to-image model.
public struct ImageRequest: Sendable {
    /// A diffusers directory.
    public var model: String
    public var prompts: [String]
    public var negativePrompt = ""
    public var adapters: [AdapterReference] = []
    /// How adapters are combined: their weights add up, or their predictions.
    public var combine = ImageCompositionConfiguration.Combination.weight
    /// Texts that are composed in place of a prompt, ε_∅ + g Σ w_i (ε_i − ε_∅), with their weights.
    public var concepts: [WeightedConcept] = []
    /// Pipelines that are composed, with their weights.
    public internal(set) var models: [AdapterReference] = []
    public var steps = 50
    /// g in ε_∅ + g (ε_c − ε_∅); 1 is without guidance.
    public var guidance = 7.5
    /// 0 is deterministic, 1 adds as much noise as DDPM.
    public var eta = 0.0
    public var seed: UInt64 = 0
    /// Images of each prompt.
    public var count = 1
    /// In pixels; nil is what the model was trained on, or what the given latents have.
    public var height: Int?
    public var width: Int?
    /// Directory of the PNG files.
    public var output: String
    /// safetensors file with `latents` `[N, C, h, w]` to start from.
    public var initialLatents: String?
    /// safetensors file with `noise` `[steps, N, C, h, w]` for η > 0.
    public var stepNoise: String?
    /// safetensors file to write tensors to that another program can compare with.
    public var saveLatents: String?
    /// The type that weights are held in.
    public var dtype = DType.float32

    public init(model: String, prompts: [String], output: String) {
        self.model = model
        self.prompts = prompts
        self.output = output
    }

    /// Sets `dtype` as the command line names it.
    ///
    /// - Throws: `ImageRequestError.option`.
    public mutating func setDType(named name: String) throws {
        guard let dtype = DType(name: name), [.float32, .bfloat16].contains(dtype) else {
            throw ImageRequestError.option("--dtype is \(name), must be f32 or bf16.")
        }
        self.dtype = dtype
    }

    /// Sets `combine` as the command line names it.
    ///
    /// - Throws: `ImageRequestError.option`.
    public mutating func setCombination(named name: String) throws {
        guard let combine = ImageCompositionConfiguration.Combination(rawValue: name) else {
            throw ImageRequestError.option("--combine is \(name), must be score or weight.")
        }
        self.combine = combine
    }

    private static let mostImages = 1_000_000

    /// N.
    var imageCount: Int { prompts.count * count }

    /// The prompt of an image: the images of one prompt follow each other.
    func prompt(ofImage index: Int) -> String { prompts[index / count] }

    /// - Throws: `ImageRequestError.option` for the first option that cannot be.
    func validate() throws {
        func require(_ isMet: Bool, _ what: String) throws {
            if !isMet { throw ImageRequestError.option(what) }
        }
        try require(!prompts.isEmpty, "--prompt is missing; a text-to-image model needs at least one.")
        for (option, path) in [
            ("--model", model), ("--output", output), ("--save-latents", saveLatents ?? "-"),
        ] {
            try require(!path.isEmpty, "\(option) is an empty text, must be a path.")
        }
        try require(
            (1...Self.mostImages).contains(count), "--count is \(count), must lie in 1...\(Self.mostImages).")
        try require(steps > 0, "--steps is \(steps), must be at least 1.")
        try require(
            guidance >= 1 && guidance.isFinite,
            "--guidance is \(guidance), must be at least 1 (1 is without guidance).")
        try require((0...1).contains(eta), "--eta is \(eta), must lie in 0...1.")
        try require(
            concepts.isEmpty || adapters.isEmpty || combine == .weight,
            "--combine score does not go with --concept and --adapter: one of them is composed.")
        if combine == .score { try requireSum(of: adapters.map(\.weight), "--adapter") }
        try requireSum(of: concepts.map(\.weight), "--concept")
    }

    /// Predictions are averaged: other sums would scale the noise itself.
    private func requireSum(of weights: [Double], _ option: String) throws {
        let sum = weights.reduce(0, +)
        guard !weights.isEmpty, abs(sum - 1) > 1e-6 else { return }
        let shares = weights.map { String(format: "%.4g", $0 / sum) }.joined(separator: ", ")
        let remedy =
            sum > 0 && sum.isFinite ? "in these proportions they are \(shares)" : "give positive weights"
        throw ImageRequestError.option(
            "the weights of \(option) sum to \(sum), must sum to 1 where predictions are combined; \(remedy)."
        )
    }

    /// The size to make.
    ///
    /// - Parameter latents: of the given latents, in pixels.
    /// - Throws: `ImageRequestError.option` unless it is a multiple of `factor`.
    func size(latents: ImageSize?, model: ImageSize, factor: Int) throws -> ImageSize {
        let fallback = latents ?? model
        let size = ImageSize(height: height ?? fallback.height, width: width ?? fallback.width)
        for (option, side) in [("--height", size.height), ("--width", size.width)] {
            guard side > 0, side.isMultiple(of: factor), side <= 1 << 14 else {
                throw ImageRequestError.option(
                    "\(option) is \(side), must be a multiple of \(factor) (the autoencoder's factor) up to "
                        + "\(1 << 14).")
            }
        }
        if let latents, latents != size {
            throw ImageRequestError.option(
                "the initial latents are for \(latents) pixels, --height and --width ask for \(size).")
        }
        return size
    }

    /// Everything that determines an image, for people and for `Settings` in PNG files.
    func settings(ofImage index: Int, _ size: ImageSize) -> [String: String] {
        var settings = [
            "prompt": prompt(ofImage: index), "negative_prompt": negativePrompt, "model": model,
            "sampler": "DDIM", "steps": "\(steps)", "guidance": "\(guidance)", "eta": "\(eta)",
            "seed": "\(seed)", "index": "\(index)", "size": size.description, "dtype": dtype.name,
            "saddle": saddleVersion,
        ]
        for (name, members) in [("adapters", adapters), ("models", models)] where !members.isEmpty {
            settings[name] = members.map { "\($0.path)=\($0.weight)" }.joined(separator: " ")
        }
        if combine == .score { settings["combine"] = combine.rawValue }
        if !concepts.isEmpty {
            settings["concepts"] = concepts.map { "\($0.text)=\($0.weight)" }.joined(separator: "; ")
        }
        if let initialLatents { settings["initial_latents"] = initialLatents }
        if let stepNoise { settings["step_noise"] = stepNoise }
        return settings
    }
}

/// A text of a composition, and its weight.
public struct WeightedConcept: Sendable, Equatable {
    public var text: String
    public var weight: Double

    /// `TEXT=WEIGHT`; the weight is what follows the last `=`.
    ///
    /// - Throws: `ImageRequestError.option` where there is none.
    public init(argument: String) throws {
        guard let mark = argument.lastIndex(of: "="),
            let weight = Double(argument[argument.index(after: mark)...]), weight.isFinite,
            mark > argument.startIndex
        else {
            throw ImageRequestError.option(
                "--concept \"\(argument)\" has no weight; write it as in --concept \"a cat=0.4\".")
        }
        (text, self.weight) = (String(argument[..<mark]), weight)
    }

    init(text: String, weight: Double) { (self.text, self.weight) = (text, weight) }
}

extension ImageRequest {
    /// A request for what a run of `saddle compose` has found, with its sampler.
    ///
    /// - Parameters:
    ///   - composition: the run directory, or its `composition.json`.
    ///   - model: the base; nil for the run's own.
    /// - Throws: `ImageCompositionError`, `SamplingError.missing`.
    public init(composition: String, model: String?, prompts: [String], output: String) throws {
        let record = try CompositionRecord(at: composition)
        self.init(model: model ?? record.model, prompts: prompts, output: output)
        (steps, guidance, eta) = (record.steps, record.guidance, record.eta)
        negativePrompt = record.negativePrompt
        (height, width) = (record.height, record.width)
        try record.dtype.map { try setDType(named: $0) }
        for member in record.members {
            if let path = member.adapter {
                adapters.append(AdapterReference(path: path, weight: member.weight))
            }
            if let path = member.model {
                models.append(AdapterReference(path: path, weight: member.weight))
            }
            if let text = member.prompt {
                concepts.append(WeightedConcept(text: text, weight: member.weight))
            }
        }
        combine = ImageCompositionConfiguration.Combination(rawValue: record.combine) ?? .score
    }

    /// Concepts take the place of a prompt.
    ///
    /// - Throws: `ImageRequestError.option` where both are given.
    public mutating func settleConcepts() throws {
        guard !concepts.isEmpty else { return }
        guard prompts.isEmpty else {
            throw ImageRequestError.option("--prompt does not go with concepts, which are composed instead.")
        }
        prompts = [concepts.map(\.text).joined(separator: " and ")]
    }
}

/// Why images cannot be made as asked.
public enum ImageRequestError: ExitCoded, Equatable, CustomStringConvertible {
    /// An option's value, or one that is missing or does not go with the model.
    case option(String)
    /// A file of given tensors is of other images than those asked for.
    case tensors(path: String, reason: String)
    /// Numbers overflowed while sampling.
    case notFinite(prompt: String, what: String)

    public var exitCode: Int32 {
        switch self {
        case .option: ExitStatus.usage
        case .tensors: ExitStatus.badData
        case .notFinite: ExitStatus.internal
        }
    }

    public var description: String {
        switch self {
        case .option(let what): what
        case .tensors(let path, let reason):
            "\(path): \(reason). Write the file for this model, these prompts, --count and --steps, or leave the"
                + " option out: then --seed draws the numbers."
        case .notFinite(let prompt, let what):
            "\(what) of \"\(prompt)\" are not finite. Lower --guidance or the weights of the adapters; check the "
                + "model's weights."
        }
    }
}
