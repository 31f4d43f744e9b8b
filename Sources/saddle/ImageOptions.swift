import ArgumentParser
import Training

/// Options of `saddle sample` that text-to-image models alone take.
struct ImageOptions: ParsableArguments {
    @Option(parsing: .upToNextOption, help: ArgumentHelp("What the images are to show.", valueName: "text"))
    var prompt: [String] = []

    @Option(help: ArgumentHelp("What they are not to show.", valueName: "text"))
    var negativePrompt: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "LoRA file, and how strong it is to be (1 by default). May be repeated; adapters add up.",
            valueName: "file[=weight]"))
    var adapter: [String] = []

    @Option(
        help: ArgumentHelp(
            "How adapters are combined: weight (the default) adds up their changes of the weights; score averages "
                + "their predictions, a pass each, and their weights must sum to 1.",
            valueName: "score|weight"))
    var combine: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "One of several texts that an image is to show together, in place of --prompt. Repeated; weights sum to 1 "
                + "and follow the last =.", valueName: "text=weight"))
    var concept: [String] = []

    @Option(
        help: ArgumentHelp(
            "A run of `saddle compose` on text-to-image models: its members, weights and sampler.",
            valueName: "run"))
    var composition: String?

    @Option(help: "Steps of the sampler (by default 50).")
    var steps: Int?

    @Option(help: "Weight of the prompt against the negative one (by default 7.5); 1 is without guidance.")
    var guidance: Double?

    @Option(help: "0 (the default) is deterministic, 1 adds as much noise as DDPM.")
    var eta: Double?

    @Option(help: "Pixels; by default what the model was trained on, or what the latents have.")
    var height: Int?

    @Option(help: "Pixels, like --height.")
    var width: Int?

    @Option(help: ArgumentHelp("Start from `latents` [N, C, h, w] of this file.", valueName: "f.safetensors"))
    var initialLatents: String?

    @Option(
        help: ArgumentHelp(
            "Take the sampler's noise from `noise` [steps, N, C, h, w] of this file.",
            valueName: "f.safetensors"))
    var stepNoise: String?

    @Option(
        help: ArgumentHelp(
            "Also write `latents`, `images` (before clamping), `text_embeddings`, and of the first step "
                + "`epsilon_uncond` and `epsilon_cond`, to replay the run elsewhere.",
            valueName: "f.safetensors"))
    var saveLatents: String?

    @Option(help: "Type of the weights in memory: f32 (the default) or bf16.")
    var dtype: String?

    /// The request as the library takes it.
    ///
    /// - Parameter model: nil for that of the composition.
    func request(_ model: String?, count: Int?, seed: UInt64, _ output: String) throws -> ImageRequest {
        var request = try start(model, output)
        request.negativePrompt = negativePrompt ?? request.negativePrompt
        try combine.map { try request.setCombination(named: $0) }
        try request.settleConcepts()
        request.steps = steps ?? request.steps
        request.guidance = guidance ?? request.guidance
        request.eta = eta ?? request.eta
        request.seed = seed
        request.count = count ?? request.count
        (request.height, request.width) = (height ?? request.height, width ?? request.width)
        (request.initialLatents, request.stepNoise) = (initialLatents, stepNoise)
        request.saveLatents = saveLatents
        try dtype.map { try request.setDType(named: $0) }
        return request
    }

    /// The members, from a composition or from the options.
    private func start(_ model: String?, _ output: String) throws -> ImageRequest {
        if let composition {
            guard adapter.isEmpty, concept.isEmpty else {
                throw ImageRequestError.option(
                    "--adapter and --concept do not go with --composition, which has its members.")
            }
            return try ImageRequest(composition: composition, model: model, prompts: prompt, output: output)
        }
        guard let model else {
            throw ImageRequestError.option("--model is missing; name a model, or a run with --composition.")
        }
        var request = ImageRequest(model: model, prompts: prompt, output: output)
        request.adapters = try adapter.map(AdapterReference.init(argument:))
        request.concepts = try concept.map(WeightedConcept.init(argument:))
        return request
    }

    /// Whether they ask for images.
    var asksForImages: Bool { !prompt.isEmpty || !concept.isEmpty || composition != nil }

    /// - Throws: `ImageRequestError.option` that names all of these options that are given.
    func refuse(for model: String) throws {
        let given: [(String, Bool)] = [
            ("--prompt", !prompt.isEmpty), ("--negative-prompt", negativePrompt != nil),
            ("--adapter", !adapter.isEmpty), ("--combine", combine != nil), ("--concept", !concept.isEmpty),
            ("--steps", steps != nil), ("--guidance", guidance != nil),
            ("--eta", eta != nil), ("--height", height != nil), ("--width", width != nil),
            ("--initial-latents", initialLatents != nil), ("--step-noise", stepNoise != nil),
            ("--save-latents", saveLatents != nil), ("--dtype", dtype != nil),
        ]
        let names = given.filter(\.1).map(\.0)
        guard !model.hasSuffix("model_index.json") else {
            throw ImageRequestError.option("--model is \(model); name the directory that it lies in.")
        }
        guard names.isEmpty else {
            throw ImageRequestError.option(
                "\(names.joined(separator: ", ")): only for text-to-image models, which are "
                    + "directories with a model_index.json; \(model) is none."
            )
        }
    }
}
