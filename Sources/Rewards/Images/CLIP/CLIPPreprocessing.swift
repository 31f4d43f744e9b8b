import TensorCore

/// Pictures as a CLIP takes them, by a map that is linear in the pixels: resized, the centre cut out, colours
/// normalised.
///
/// As torchvision does it on tensors. Processors that work on files round to 8 bits in between, which has no
/// gradient.
public struct CLIPPreprocessing: Sendable, Equatable {
    /// What a picture's sides become.
    public enum Size: Sendable, Equatable {
        /// The shorter side; the other follows.
        case shortestSide(Int)
        /// The longer side; the other follows, and black fills it up.
        case longestSide(Int)
        /// Both, whatever they were.
        case square(Int)
    }

    public var size: Size
    /// Pixels of either side of the part that is cut out, or filled up to.
    public var crop: Int
    /// Mean and deviation of the colours R, G, B.
    public var mean = [0.48145466, 0.4578275, 0.40821073]
    public var deviation = [0.26862954, 0.26130258, 0.27577711]
    public var filter: ResizingFilter

    /// OpenAI's, for a model of a given image size.
    public init(imageSize: Int, filter: ResizingFilter) {
        (size, crop, self.filter) = (.shortestSide(imageSize), imageSize, filter)
    }

    /// - Shapes: images `[N, H, W, 3]`, RGB in 0...1; result `[N, crop, crop, 3]`.
    public func callAsFunction(_ images: Tensor) -> Tensor {
        let (height, width) = (images.shape[1], images.shape[2])
        let (newHeight, newWidth) = resized(height: height, width: width)
        let resized = images.resampled(
            vertically: filter.matrix(from: height, to: newHeight).rows(centre(of: newHeight)),
            horizontally: filter.matrix(from: width, to: newWidth).rows(centre(of: newWidth)))
        return normalized(resized)
    }

    func resized(height: Int, width: Int) -> (height: Int, width: Int) {
        let longest = Double(max(height, width))
        // As Python rounds; a very thin picture keeps a pixel.
        func scaled(_ side: Int, to length: Int) -> Int {
            max(1, Int((Double(side) * (Double(length) / longest)).rounded(.toNearestOrEven)))
        }
        return switch size {
        case .square(let side): (side, side)
        case .shortestSide(let side) where height <= width: (side, side * width / height)
        case .shortestSide(let side): (side * height / width, side)
        case .longestSide(let side): (scaled(height, to: side), scaled(width, to: side))
        }
    }

    /// The middle of a side, or all of it in the middle where it is too short; where a cut begins is rounded to even,
    /// as Python rounds.
    private func centre(of side: Int) -> Range<Int> {
        let start =
            side < crop ? -((crop - side) / 2) : Int((Double(side - crop) / 2).rounded(.toNearestOrEven))
        return start..<(start + crop)
    }

    private func normalized(_ images: Tensor) -> Tensor {
        let vector = { (values: [Double]) in
            Tensor(values, shape: [3], on: images.device).cast(to: images.dtype)
        }
        return (images - vector(mean)) * vector(deviation.map { 1 / $0 })
    }
}
