import ArgumentParser
import Training

/// `saddle tokenize`.
struct Tokenize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the token ids of texts, as JSON.",
        discussion: """
            Prints {"ids": [[…], …]}: one list per text, with beginning, end and padding, as the text encoder takes it.

            Example:
              saddle tokenize --model stable-diffusion-v1-5 -- "a photo of a cat" "-v-"
            """)

    @Option(help: "Model directory (model_index.json), or its tokenizer directory.")
    var model: String

    @Argument(help: ArgumentHelp("Texts; put -- before one that starts with a dash.", valueName: "text"))
    var texts: [String]

    func run() throws {
        try finish {
            reportingErrors {
                print(try tokenization(of: texts, model: model))
                return 0
            }
        }
    }
}
