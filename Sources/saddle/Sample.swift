import ArgumentParser
import Training

/// `saddle sample`.
struct Sample: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draw images from a text-to-image model, or samples from the model of a run on vectors.",
        discussion: """
            Which it is follows from what --model names. The same seed gives the same samples, however many.

            A diffusers directory (Stable Diffusion 1 or 2) makes --count images of each --prompt, by DDIM: \
            DIR/image-0000.png and so on, with the settings in their metadata; prints their paths.

            A run on vectors, or its model.safetensors, makes DIR/samples.safetensors (tensor `samples`, \
            [N, dimension]) and, where samples are square images, DIR/samples.png; prints the path of the first.

            Examples:
              saddle sample --model stable-diffusion-v1-5 --prompt "a red fox" "a blue bird" --steps 30 \\
                --adapter fox.safetensors=0.8 --output images
              saddle sample --model stable-diffusion-v1-5 --prompt "a red fox" --combine score \\
                --adapter vivid.safetensors=0.3 --adapter calm.safetensors=0.7 --output images
              saddle sample --model stable-diffusion-v1-5 --concept "a donut=0.6" --concept "a turtle=0.4" \\
                --output images
              saddle sample --composition runs/adapters --prompt "a red fox" --output images
              saddle sample --model runs/digits-product --count 256 --seed 1 --output samples
            """)

    @Option(help: "Diffusers directory, run directory, or a model.safetensors of one.")
    var model: String?

    @Option(help: "Number of samples (by default 64), or of images of each prompt (1).")
    var count: Int?

    @Option(help: "Seed of all random numbers.")
    var seed: UInt64 = 0

    @Option(help: "Directory to write to.")
    var output: String

    @OptionGroup(title: "Options for text-to-image models")
    var image: ImageOptions

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count must be at least 1, got \(count).") }
    }

    func run() throws {
        try finish {
            reportingErrors {
                if let model, try isOfVectors(model) {
                    try image.refuse(for: model)
                    print(try writeSamples(of: model, count: count ?? 64, seed: seed, to: output))
                } else {
                    for path in try writeImages(image.request(model, count: count, seed: seed, output)) {
                        print(path)
                    }
                }
                return 0
            }
        }
    }

    private func isOfVectors(_ model: String) throws -> Bool {
        try sampledModel(at: model, hasPrompts: image.asksForImages) == .vectors
    }
}
