# A plug-in in Python, of the world in ../../wit/greet.
from componentize_py_types import Err
from wit_world.imports.types import GreetError_Nameless, GreetError_TooOften, Greeting, Language, Person

HELLO = {Language.ENGLISH: "Hello", Language.GERMAN: "Guten Tag", Language.GREEK: "Γεια σου"}
MOST = 5


class WitWorld:
    def greet(self, who: Person, times: int) -> Greeting:
        if not who.name:
            raise Err(GreetError_Nameless())
        if times > MOST:
            raise Err(GreetError_TooOften(MOST))
        language = Language.ENGLISH if who.language is None else who.language
        once = f"{HELLO[language]}, {' '.join([*who.titles, who.name])}!"
        text = " ".join([once] * times)
        return Greeting(text, len(text))


class Run:
    def run(self) -> None:
        print("hello from Python")
