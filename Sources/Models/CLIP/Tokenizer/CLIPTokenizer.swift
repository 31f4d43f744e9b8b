import WeightFiles

/// Text to the token ids that a CLIP text encoder takes: byte-level BPE (Radford et al. 2021, §2.4).
///
/// Gives the ids of `CLIPTokenizer` in transformers 5, which is what current diffusers pipelines call. HTML
/// entities stay as they are written; `docs/tokenizer.md` says where transformers 4 differs.
public struct CLIPTokenizer: Sendable {
    /// Ids per text, first and last token included.
    public let maximumLength: Int
    /// First token of every text.
    public let beginning: Int32
    /// Last token of every text.
    public let end: Int32
    /// What fills a text up to `maximumLength`.
    public let padding: Int32
    /// One more than the largest id: rows that the embedding table must have.
    public let vocabularySize: Int

    private let encoder: BytePairEncoder
    private let added: AddedVocabulary
    private let truncatesLeft: Bool
    private let padsLeft: Bool

    init(
        encoder: BytePairEncoder, added: AddedVocabulary, configuration: TokenizerConfiguration,
        defaultLength: Int
    ) throws {
        func id(_ name: String) throws -> Int32 {
            let token = configuration.content(ofNamed: name)
            guard let id = added.id(of: token) else {
                throw ModelFilesError.invalid(
                    path: configuration.directory, reason: "\(name) \"\(token)\" is not in the vocabulary")
            }
            return id
        }
        self.encoder = encoder
        self.added = added
        beginning = try id("bos_token")
        end = try id("eos_token")
        padding = try id("pad_token")
        vocabularySize = Int(max(encoder.largestID, added.largestID)) + 1
        maximumLength = configuration.maximumLength ?? defaultLength
        truncatesLeft = configuration.truncatesLeft
        padsLeft = configuration.padsLeft
    }

    /// The ids of one text, `maximumLength` of them.
    public func callAsFunction(_ text: String) -> [Int32] {
        var body = ids(of: text)
        let excess = max(0, body.count + 2 - maximumLength)
        if truncatesLeft { body.removeFirst(excess) } else { body.removeLast(excess) }
        let ids = [beginning] + body + [end]
        let fill = [Int32](repeating: padding, count: maximumLength - ids.count)
        return padsLeft ? fill + ids : ids + fill
    }

    /// The ids of a text however long, without beginning, end and padding.
    public func ids(of text: String) -> [Int32] {
        added.pieces(of: Array(text.unicodeScalars)).flatMap { piece in
            switch piece {
            case .token(let id): [id]
            case .text(let scalars): words(in: scalars).flatMap { encoder.encode(utf8(of: $0)) }
            }
        }
    }

    private func utf8(of scalars: ArraySlice<Unicode.Scalar>) -> [UInt8] {
        var bytes: [UInt8] = []
        for scalar in scalars {
            bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
        return bytes
    }
}
