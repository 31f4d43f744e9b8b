"""What the pictures show: emoji of a colour font with names and keywords of the Unicode CLDR."""

from dataclasses import dataclass
from xml.etree import ElementTree

# Table 10 of the paper. Where there is a second picture of an animal, its face or a close kind, both are used.
TRAINING_ANIMALS = {
    "cat": "🐈🐱", "dog": "🐕🐶", "horse": "🐎🐴", "monkey": "🐒🐵", "rabbit": "🐇🐰", "zebra": "🦓", "spider": "🕷",
    "bird": "🐦", "sheep": "🐑", "deer": "🦌", "cow": "🐄🐮", "goat": "🐐", "lion": "🦁", "tiger": "🐅🐯", "bear": "🐻",
    "raccoon": "🦝", "fox": "🦊", "wolf": "🐺", "lizard": "🦎", "beetle": "🪲", "ant": "🐜", "butterfly": "🦋",
    "fish": "🐟", "shark": "🦈", "whale": "🐋🐳", "dolphin": "🐬", "squirrel": "🐿", "mouse": "🐁🐭", "rat": "🐀",
    "snake": "🐍", "turtle": "🐢", "frog": "🐸", "chicken": "🐔", "duck": "🦆", "goose": "🪿", "bee": "🐝", "pig": "🐖🐷",
    "turkey": "🦃", "fly": "🪰", "llama": "🦙", "camel": "🐪🐫", "bat": "🦇", "gorilla": "🦍", "hedgehog": "🦔",
    "kangaroo": "🦘",
}  # fmt: skip
# There is no emoji of a cheetah: the leopard stands for it and answers to both names.
EVALUATION_ANIMALS = {
    "leopard": "🐆", "snail": "🐌", "hippopotamus": "🦛", "crocodile": "🐊", "lobster": "🦞", "octopus": "🐙",
}  # fmt: skip
SYNONYMS = {"leopard": ["cheetah"]}
ANIMALS = TRAINING_ANIMALS | EVALUATION_ANIMALS

# Blocks of code points with animals, plants, food and vehicles: the other emoji.
OTHERS = [(0x1F400, 0x1F43F), (0x1F980, 0x1F9AD), (0x1FAB0, 0x1FAB6), (0x1F330, 0x1F37F), (0x1F950, 0x1F96F),
          (0x1F680, 0x1F69C), (0x1F6A0, 0x1F6A4)]  # fmt: skip


@dataclass(frozen=True)
class Subject:
    character: str
    names: tuple[str, ...]  # the first is the one asked for in prompts
    keywords: tuple[str, ...]
    animal: bool  # one of the paper's


def annotations(path):
    """{character: (name, keywords)} of a CLDR annotation file."""
    names, keywords = {}, {}
    for entry in ElementTree.parse(path).getroot().iter("annotation"):
        if entry.get("type") == "tts":
            names[entry.get("cp")] = entry.text.strip().lower()
        else:
            keywords[entry.get("cp")] = [word.strip().lower() for word in entry.text.split("|")]
    return {character: (name, keywords.get(character, [])) for character, name in names.items()}


def subjects(path):
    """All subjects, the paper's animals first, in an order that depends on nothing but this file and CLDR."""
    known = annotations(path)
    found = []
    for animal, characters in ANIMALS.items():
        for character in characters:
            name, keywords = known.get(character, (animal, []))
            names = dict.fromkeys([animal, *SYNONYMS.get(animal, []), name])
            found.append(subject(character, names, keywords, animal=True))
    taken = {entry.character for entry in found}
    for first, last in OTHERS:
        for character in map(chr, range(first, last + 1)):
            if character in known and character not in taken:
                name, keywords = known[character]
                found.append(subject(character, [name], keywords, animal=False))
    return found


def subject(character, names, keywords, animal):
    # A keyword that names one of the animals would be true of several pictures.
    distinct = [word for word in keywords if word not in names and word not in ANIMALS and word != "face"]
    return Subject(character, tuple(names), tuple(distinct), animal)


def with_article(name):
    plural = name.endswith("s") and not name.endswith(("us", "ss"))
    return name if plural else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
