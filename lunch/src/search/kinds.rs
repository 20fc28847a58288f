//! What is a kind of what, in Swedish and English.

use std::ops::Range;

use crate::fold::Word;

/// A kind of food: the words that ask for it, and those that tell of it.
#[derive(Debug)]
pub(super) struct Kind {
    /// The words that ask for it, as they are compared, between blanks.
    asked: &'static str,
    /// The words that tell of it: `lax` is a whole word, `lax*` begins one,
    /// `*lax` ends one, `*lax*` is anywhere in one.
    told: &'static str,
    /// Kinds whose words tell that it is not this one after all.
    unless: &'static [&'static Kind],
}

impl Kind {
    /// The parts that tell of it, and the first word that does.
    pub(super) fn found(&self, words: &[Word]) -> Option<(Vec<Range<usize>>, usize)> {
        let told = |kind: &Kind, word: &Word| {
            kind.told.split_whitespace().find_map(|told| part(told, word))
        };
        if self.unless.iter().any(|other| words.iter().any(|word| told(other, word).is_some())) {
            return None;
        }
        let parts: Vec<_> = words
            .iter()
            .enumerate()
            .filter_map(|(place, word)| Some((word.part(told(self, word)?), place)))
            .collect();
        let (_, first) = parts.first()?;
        let first = *first;
        Some((parts.into_iter().map(|(part, _)| part).collect(), first))
    }
}

/// The kinds that a word asks for.
pub(super) fn named(word: &str) -> Vec<&'static Kind> {
    KINDS
        .iter()
        .copied()
        .filter(|kind| kind.asked.split_whitespace().any(|asked| asked == word))
        .collect()
}

/// The part of a word that a pattern matches.
fn part(pattern: &str, word: &Word) -> Option<Range<usize>> {
    let text = word.folded.as_str();
    let (from, to) = (pattern.strip_prefix('*'), pattern.strip_suffix('*'));
    match (from, to) {
        (None, None) => (text == pattern).then_some(0..text.len()),
        (None, Some(start)) => text.starts_with(start).then_some(0..start.len()),
        (Some(end), None) => text.ends_with(end).then(|| text.len() - end.len()..text.len()),
        (Some(_), Some(_)) => {
            let inside = pattern.trim_matches('*');
            text.find(inside).map(|at| at..at + inside.len())
        }
    }
}

static FISH: Kind = Kind {
    asked: "fisk fisken fiskar fiskratt fish seafood",
    told: "fisk* fish* *fisk lax* *lax *laxen salmon torsk* *torsk cod sej sej* *sej \
           saithe pollock kolja* koljan haddock kummel* *kummel *kummelfile hake hoki \
           *spatta *spattan spatta* rodspatta* plaice *flundra *flundran flundra* \
           halibut sole stromming* sill sillen sillbull* sillmack* herring makrill* \
           mackerel roding* char gos gosfile zander pikeperch abborr* perch gadda* \
           pike piggvar* turbot marulk* monkfish tonfisk* tuna havskatt* regnbage \
           regnbag* trout oring* pangasius* tilapia* alaska sik siken ansjovis* \
           anchov* matjes* bouillabaisse",
    unless: &[],
};

static SHELLFISH: Kind = Kind {
    asked: "skaldjur shellfish seafood",
    told: "skaldjur* shellfish seafood rakor rakan raka rak rakbull* rakmack* \
           raksmorg* rakrisotto *raka *rakor shrimp* prawn* musslor mussel* *musslor \
           *musselgryta moules krabb* crab* kraft* crayfish hummer* lobster* scampi \
           scallop* blackfisk* calamar* skagen*",
    unless: &[],
};

static POULTRY: Kind = Kind {
    asked: "kyckling kycklingen kycklingar chicken fagel poultry hona hons",
    told: "*kyckling* chicken* kalkon* turkey anka ankbrost anklar duck *fagel",
    unless: &[],
};

static BEEF: Kind = Kind {
    asked: "not notkott biff beef oxkott",
    told: "beef biff notfars* notgryta notfile* notstek* hogrev* notkott* *notkott \
           oxfile* oxbring* oxkind* oxsvans* oxjarpe* oxrulad* entrecote* hogrev* \
           *hogrev rostbiff* flankstek* kalops brisket bourguignon wallenbergare \
           ryggbiff* pannbiff* rydberg kalv* veal steak",
    unless: &[],
};

static PORK: Kind = Kind {
    asked: "flask flaskkott gris griskott pork",
    told: "flask* *flask pork kassler* bacon* *bacon karre* *karre kotlett* *kotlett \
           skinka* *skinka ham gris* pancetta salsiccia isterband* falukorv* \
           korvgryta chorizo* salami skink* ribs schnitzel* korv",
    unless: &[],
};

static LAMB_AND_GAME: Kind = Kind {
    asked: "lamm lamb vilt game",
    told: "lamm* lamb vilt* alg algfars* alggryta hjort* ren renskav* venison merguez",
    unless: &[],
};

/// What says that a dish is meat, of whatever animal.
static MEAT_ITSELF: Kind = Kind {
    asked: "kott meat",
    told: "kott kott* *kott meat* farsbiff* blandfars* wienerkorv",
    unless: &[&VEGETARIAN_ITSELF],
};

static ANY_BEEF: Kind = Kind { asked: "kott meat", ..BEEF };
static ANY_PORK: Kind = Kind { asked: "kott meat", ..PORK };
static ANY_LAMB: Kind = Kind { asked: "kott meat", ..LAMB_AND_GAME };

/// What says that a dish is without meat, whatever else it names.
static VEGETARIAN_ITSELF: Kind = Kind {
    asked: VEGETARIAN_ASKED,
    told: "veg vego* vegan* vegetar* vegansk* veggie gront sin meatless *vego",
    unless: &[],
};

/// What mostly makes a dish without meat, if it names no animal.
static VEGETARIAN: Kind = Kind {
    asked: VEGETARIAN_ASKED,
    told: "tofu* halloumi* haloumi* quorn* *quorn* falafel* tempeh seitan sojafars* \
           sojabit* sojakorv* sojaprotein* *paneer linsbiff* linsgryta linssoppa \
           linser artbiff* kikart* bonbiff* bonburgar* svartbon* gronsaksl* \
           gronsaksb* gronsaksg* gronsaksw* gronsakss* gronsaksp* blomkalsc* \
           broccolibiff* rotfruktsg* rotfruktsm* rodbetsb* morotsb* potatisbull* \
           grillost blomkalsst* auberginegr* ratatouille lentil* chickpea*",
    unless: &[&FISH, &SHELLFISH, &POULTRY, &BEEF, &PORK, &LAMB_AND_GAME, &MEAT_ITSELF],
};

const VEGETARIAN_ASKED: &str = "veg vego vegetarisk vegetariskt vegetariska vegetarian vegan vegansk veganskt \
     veganska veggie gront gron grona meatless plantbased";

static PASTA: Kind = Kind {
    asked: "pasta nudlar noodles",
    told: "pasta* *pasta lasagne* *lasagne spaghetti penne tagliatelle ravioli \
           gnocchi tortellini pappardelle linguine fettuccine *makaroner makaron* \
           macaroni mac carbonara bolognese cannelloni risoni* nudlar *nudlar noodles \
           ramen laksa",
    unless: &[],
};

static SOUP: Kind = Kind {
    asked: "soppa soppor soup",
    told: "*soppa *soppan *soppor soup* soppa* gazpacho minestrone bouillabaisse \
           borsjtj harira laksa ramen chowder",
    unless: &[],
};

static STEW: Kind = Kind {
    asked: "gryta grytor stew casserole curry",
    told: "*gryta gryta* *grytan stew casserole kalops bourguignon tagine *tagine \
           ragu* gulasch stroganoff *stroganoff *curry curry",
    unless: &[],
};

static BURGER: Kind = Kind {
    asked: "burgare hamburgare burger burgers hamburger",
    told: "*burgare* *burger*",
    unless: &[],
};

static POTATO: Kind = Kind {
    asked: "potatis potato potatoes fries chips",
    told: "*potatis* potato* pommes fries chips rosti rostipotatis mash raggmunk* \
           *mos *pytt gnocchi duchesse* hasselback*",
    unless: &[],
};

static RICE: Kind = Kind {
    asked: "ris riset rice",
    told: "ris rice basmatiris jasminris fullkornsris sushiris tomatris *risotto \
           pilaff paella biryani goreng",
    unless: &[],
};

static SALAD: Kind =
    Kind { asked: "sallad sallader salad", told: "*sallad* salad* bowl tabbouleh", unless: &[] };

static PANCAKE: Kind = Kind {
    asked: "pannkaka pannkakor plattar pancake pancakes",
    told: "*pannkak* plattar pancake* raggmunk* blini* crepe*",
    unless: &[],
};

static SHRIMP: Kind = Kind {
    asked: "raka rakor shrimp shrimps prawn prawns",
    told: "rakor raka rakan rakbull* rakmack* raksmorg* rakrisotto *raka *rakor \
           shrimp* prawn* scampi skagen*",
    unless: &[],
};

/// Kinds that none takes back; most are a word in two languages.
macro_rules! same {
    ($($name:ident: $asked:literal = $told:literal;)+) => {
        $(static $name: Kind = Kind { asked: $asked, told: $told, unless: &[] };)+
        const SAME: &[&Kind] = &[$(&$name),+];
    };
}

same! {
    SALMON: "lax salmon"
        = "lax* *lax salmon";
    COD: "torsk cod"
        = "torsk* *torsk cod";
    HERRING: "sill stromming herring"
        = "sill sillen sillbull* sillmack* stromming* herring matjes*";
    CHAR: "roding char"
        = "roding* char";
    PEA: "art arta artor arter pea peas"
        = "art arta artor arter artsoppa artpure artbiff* pea peas";
    BEAN: "bona bonor bean beans"
        = "bona bonor bonbiff* bonburg* *bonor *bons* bean beans";
    MUSHROOM: "svamp mushroom mushrooms"
        = "svamp* *svamp champinjon* kantarell* portabello portobello mushroom*";
    EGG: "agg egg eggs"
        = "agg agg* egg eggs omelett shakshuka";
    CHEESE: "ost cheese"
        = "ost ostar fetaost grillost getost *ostgratinerad* cheese halloumi* paneer \
           chevre mozzarella";
    SAUSAGE: "korv sausage"
        = "korv* *korv bratwurst salsiccia merguez chorizo* isterband* sausage*";
    MEATBALLS: "kottbullar kottbulle meatballs meatball"
        = "kottbull* meatball*";
    SANDWICH: "macka mackor smorgas sandwich"
        = "macka *macka smorgas* *smorgas smorrebrod sandwich* toast* reuben croque";
    BEETROOT: "rodbeta rodbetor beetroot"
        = "rodbet* beetroot*";
    CABBAGE: "kal cabbage"
        = "kal kal* *kal cabbage";
    CAULIFLOWER: "blomkal cauliflower"
        = "blomkal* cauliflower";
    SPINACH: "spenat spinach"
        = "spenat* spinach";
    LENTILS: "lins linser lentil lentils"
        = "lins* *linser lentil* dal dhal";
    CHICKPEA: "kikarta kikartor chickpea chickpeas"
        = "kikart* chickpea* falafel* hummus humus";
    PIZZA: "pizza pizzor"
        = "pizza* *pizza";
    GARLIC: "vitlok garlic"
        = "vitlok* garlic";
}

/// All kinds, the one that a word means most first.
static KINDS: std::sync::LazyLock<Vec<&'static Kind>> = std::sync::LazyLock::new(|| {
    let own: [&Kind; 21] = [
        &VEGETARIAN_ITSELF,
        &VEGETARIAN,
        &FISH,
        &SHELLFISH,
        &POULTRY,
        &MEAT_ITSELF,
        &BEEF,
        &PORK,
        &LAMB_AND_GAME,
        &ANY_BEEF,
        &ANY_PORK,
        &ANY_LAMB,
        &PASTA,
        &SOUP,
        &STEW,
        &BURGER,
        &POTATO,
        &RICE,
        &SALAD,
        &PANCAKE,
        &SHRIMP,
    ];
    own.iter().chain(SAME).copied().collect()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::fold;

    #[test]
    fn kinds_are_written_as_they_are_compared() {
        for kind in KINDS.iter() {
            for word in kind.asked.split_whitespace().chain(kind.told.split_whitespace()) {
                let bare = word.trim_matches('*');
                assert!(fold(bare) == bare && bare.is_ascii(), "{word}");
            }
        }
    }
}
