"""What names, streets and places are made of. Short lists of frequent ones; the long tail is composed."""

FIRST_EN = """james mary robert patricia john jennifer michael linda david elizabeth william barbara richard susan joseph jessica thomas
sarah charles karen christopher lisa daniel nancy matthew betty anthony margaret mark sandra donald ashley steven kimberly paul emily
andrew donna joshua michelle kenneth carol kevin amanda brian dorothy george melissa timothy deborah ronald stephanie edward rebecca
jason sharon jeffrey laura ryan cynthia jacob kathleen gary amy nicholas angela eric shirley jonathan anna stephen brenda larry pamela
justin emma scott nicole brandon helen benjamin samantha samuel katherine gregory christine alexander debra patrick rachel jack
carolyn dennis janet tyler catherine aaron maria jose heather adam diane nathan ruth olivia isabella zoe lachlan mitchell jackson
chloe caitlin georgia ella hannah isabelle matilda brianna jasmine talia riley dylan lewis harry cooper finn noah ethan liam hugo
imogen sophie alannah teagan kiara mikayla bailey taylor jayden hayden blake connor max oscar luke harrison""".split()
LAST_EN = """smith johnson williams brown jones davis miller wilson moore taylor anderson thomas jackson white harris martin thompson
robinson clark lewis lee walker hall allen young king wright scott green baker adams nelson carter mitchell roberts turner phillips
campbell parker evans edwards collins stewart morris rogers reed cook morgan bell murphy bailey cooper richardson cox howard ward
watson brooks kelly sanders price bennett wood barnes ross henderson coleman jenkins perry powell long patterson hughes butler simmons
foster bryant russell griffin hayes ryan webb clarke nguyen reid white matthews campbell dixon burford stephenson""".split()
FIRST_DE = """anna michael maria thomas sabine andreas petra stefan monika peter claudia wolfgang susanne klaus ursula christian
nicole jürgen julia martin karin frank andrea markus stefanie daniel sandra jan katharina alexander christine hans birgit werner
gabriele uwe heike dieter brigitte matthias renate jörg sarah sebastian angelika günter anja bernd tanja tobias helga florian lisa
manfred katrin philipp elisabeth ralf simone jens laura karl lena tim sophie lukas johanna felix marie jonas hannah max emma leon mia
paul lea ben clara noah leonie finn greta mehmet fatma mustafa ayşe ali zeynep krzysztof agnieszka tomasz małgorzata giuseppe rosa
dmitri olga sergej svetlana josé carmen andré françoise björn søren jürg vreni wilhelm friedrich heinrich robert margarete eduard
franziska maximilian magdalena theresa josef anton georg christoph ulrike ulrich gerhard dorothea konrad""".split()
LAST_DE = """müller schmidt schneider fischer weber meyer wagner becker schulz hoffmann schäfer koch bauer richter klein wolf schröder
neumann schwarz zimmermann braun krüger hofmann hartmann lange schmitt werner schmitz krause meier lehmann schmid schulze maier köhler
herrmann könig walter mayer huber kaiser fuchs peters lang scholz möller weiß jung hahn schubert vogel friedrich keller günther frank
berger winkler roth beck lorenz baumann franke albrecht schuster simon ludwig böhm winter kraus martin schumacher krämer vogt stein
jäger otto sommer groß seidel heinrich brandt haas schreiber graf dietrich ziegler kuhn kühn pohl engel horn busch bergmann yılmaz
kaya demir nowak kowalski rossi petrović öztürk großmann weißhaupt""".split()

HEAD_EN = "ash black brad brook burn carl clay crow dal dun east elm fair farn gold green had hart hazel hol kim lang lind mar mill north oak pem raven rock sand shel stan stone sutter thorn wake wal wes whit wind wood york".split()
TAIL_EN = "bourne bridge bury combe cott croft dale dean field ford gate ham hurst land ley man more port son stead stone ton ward well wick win wood worth".split()
HEAD_DE = "alt bach berg birk blum brun buch daub dorn eber eich eisen erl feld fink frei gold grün hag hamm hart hell hof holz kalt kern kirch klee kreuz laub lind luch moos neu ober ort rad reh ried rosen sand schön seid stein strau tann teich ulm wald wein wies wind zell".split()
TAIL_DE = "acker auer bacher bauer becker berger böck brunner camp decker egger enberg eder ert feld felder garten gruber hammer hauer hofer huber kamp lein leitner mann maier meier moser müller ner rich schmid schütz stätter steiner thaler wirth".split()
STREETS_EN = "street street street road road place avenue crescent circuit drive court lane close parade way".split()
TREES_DE = "Ahorn Birken Buchen Eichen Erlen Eschen Fichten Kastanien Kiefern Linden Pappel Tannen Ulmen Weiden Rosen Tulpen Nelken Garten Kirch Schul Bahnhof Markt Berg Tal See Wald Wiesen Feld Mühlen Brunnen Burg Schloss Post Brücken Hafen Sonnen Stern Haupt Neben Winkel Ring Dorf Kloster Ziegel Bach Ufer".split()
STREETS_DE = "straße straße straße weg weg gasse platz allee ring".split()
PEOPLE_DE = "Goethe Schiller Lessing Heine Mozart Beethoven Bach Schubert Röntgen Koch Siemens Daimler Stresemann Ebert Adenauer Brandt Luther Kant Hegel Humboldt Gauß Kepler".split()
VILLAGE_DE = "au bach berg brunn burg dorf feld furt hausen heim hofen kirchen leben stadt stedt thal tal weiler zell".split()

# Short forms that people give instead of their name; a table of its own, smaller than the one that hints know.
NICK = {"robert": ["bob", "rob"], "william": ["bill", "will"], "richard": ["rick", "dick"], "elizabeth": ["liz", "beth", "betty"],
        "margaret": ["maggie", "peggy"], "james": ["jim", "jamie"], "john": ["jack", "johnny"], "michael": ["mike", "mick", "michi"],
        "thomas": ["tom"], "joseph": ["joe"], "charles": ["charlie"], "edward": ["ed", "ted"], "anthony": ["tony"], "daniel": ["dan"],
        "christopher": ["chris"], "matthew": ["matt"], "andrew": ["andy"], "nicholas": ["nick"], "stephen": ["steve"], "steven": ["steve"],
        "benjamin": ["ben"], "samuel": ["sam"], "patricia": ["pat", "trish"], "jennifer": ["jen"], "rebecca": ["becky"], "susan": ["sue"],
        "deborah": ["deb"], "katherine": ["kate", "kathy"], "alexander": ["alex"], "jessica": ["jess"], "stefan": ["steff"],
        "stefanie": ["steffi"], "sebastian": ["basti"], "wolfgang": ["wolf"], "ursula": ["uschi"], "gabriele": ["gabi"], "hans": ["hannes"],
        "katharina": ["kathi", "katja"], "elisabeth": ["lisa", "sissi"], "johanna": ["hanna"], "maximilian": ["max"], "josef": ["sepp"],
        "georg": ["schorsch"], "friedrich": ["fritz"], "heinrich": ["heinz"], "wilhelm": ["willi"], "margarete": ["grete"],
        "franziska": ["franzi"], "magdalena": ["lena"], "theresa": ["resi"], "anton": ["toni"], "christoph": ["chris"], "andreas": ["andi"],
        "matthias": ["matze"], "tobias": ["tobi"], "philipp": ["phil"], "ulrike": ["uli"], "ulrich": ["uli"], "günter": ["günni"],
        "manfred": ["manni"], "eduard": ["edi"], "dorothea": ["dora"], "konrad": ["conny"], "gerhard": ["gerd"], "angelika": ["geli"]}


def tail(heads, tails):
    return [h + t for h in heads for t in tails]


class Pool:
    """Values of which a few are frequent and most are rare, as names are: weight 1 / (rank + flat)."""

    def __init__(self, rng, frequent, rare, flat):
        rare = [r for r in rare if r not in set(frequent)]
        rng.shuffle(rare)
        self.values = list(dict.fromkeys(frequent)) + rare
        self.sums, total = [], 0.0
        for rank in range(len(self.values)):
            total += 1 / (rank + flat)
            self.sums.append(total)

    def draw(self, rng):
        from bisect import bisect
        return self.values[bisect(self.sums, rng.random() * self.sums[-1])]
