"""Words that may stand for one another in a question."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from random import Random

#: words that may stand for one another in a question
SYNONYMS = [
    row.split(",")
    for row in (
        "start,begin,commence|starts,begins|end,finish,conclude|ends,finishes|cost,price,fee,charge|leader,head,chief|leads,heads,runs,manages|led,headed,ran,managed|buy,purchase|bought,purchased|repair,fix,mend|repaired,fixed,mended|large,big|small,little|quick,fast|keep,retain,hold|kept,retained,held|send,forward,dispatch|sent,forwarded,dispatched|allowed,permitted|must,have "
        "to,need "
        "to|employees,staff,workers|required,needed,necessary|answer,reply,respond|help,assist|job,role,position|town,city|car,vehicle|doctor,physician|rule,policy|get,receive,obtain|gets,receives,obtains|given,handed|build,construct|built,constructed|made,produced,created|maker,manufacturer,producer|maximum,upper|minimum,lower|yearly,annual,each "
        "year|monthly,every month|weekly,every week,once a week|daily,every "
        "day|phone,telephone|choose,pick,select|chosen,picked,selected|error,mistake|stop,halt|stopped,halted|show,display|store,keep|stored,kept|check,inspect,examine|checked,inspected,examined|rubbish,waste,trash|ill,sick|holiday,leave,vacation|boss,supervisor,manager|meeting,session|replaced,swapped,exchanged|location,place,site|work,operate|works,operates|opening,launch|found,discovered|lives,resides|located,found,situated|near,close "
        "to|about,roughly,around|customer,client|approve,authorise,sign off|approved,authorised,signed off|report,notify,tell|submit,hand in,send "
        "in|submitted,handed in|cancel,call off|cancelled,called off|delay,postpone|join,enter|leave,depart|leaves,departs|arrive,come "
        "in|reason,cause|name,title|amount,quantity|weight,mass|money,funds|child,kid|error,fault|broken,faulty,defective|empty,vacant|ended,over|"
        "yearly,annual,each year|permitted,allowed|ring,call,phone,dial|full-time,full time|warm,hot|cost,come to|firm,company,business|program,software,application|get,receive|have to,must,need to|forbidden,not allowed|place,spot,location|guests,visitors|film,movie|photo,picture|often,frequently|at most,at the most|rubbish,litter|shop,store|talk,lecture|walk,stroll|colleagues,staff|salary,pay,wage|salaries,wages|lasts,takes|handles,deals with|hands out,gives out|yearly,per year|lost,missing|carry over,carry forward|allowance,sum|lapse,expire|lapses,expires|watch,observe|worker,employee,colleague|remove,take away|removed,taken away|speak to,talk to|alarm,alert|buyer,purchaser|order,request|safe,secure|near,close to,by|join in,take part|starts,opens|teach,instruct|teaches,instructs|water,liquid|cleaning,washing|inspection,check|repair,mending|purchase,buying|sum,amount|highest,maximum,largest|lowest,minimum,smallest|earliest,first|latest,last|final,last|spend,use|who,which person|in charge of,responsible for|course,training|evening,night|trade,swap,exchange|boss,director,head|sponsor,adopt|hire,rent,lease|newcomer,beginner,new colleague|trousers,clothes|maintains,services,looks after|maintain,service,look after|oversees,leads,supervises|contact,reach|confidential,private|funds,finances,pays for|pays,spends|feed,nourish|trip,journey|permit,licence,permission|guard,watchman|sum,total|shut,close|shuts,closes|shut,closed|gather,meet,assemble|collects,picks up|picked up,collected|sells,supplies|sold,supplied|rest,break|minimum,least|colleague,co-worker|path,way,route|screen,display|notice,warning|interval,period|dangerous,hazardous|chooses,picks|thick,fat|arrives,comes|stranded,beached|night,evening|phrase,words|password,code word|draws,attracts|trial period,probation|extra hours,overtime|sleep,stay|disappears,goes missing|leads,is in charge of|lead,be in charge of|kids,children|mend,fix|clothes,clothing|holds,keeps|extension,number|gets,is given|get,be given"
    ).split("|")
]


@lru_cache(maxsize=1)
def neighbours() -> dict[str, list[str]]:
    """A word's nearest others among MiniLM's vectors of single words (cosine of at least 0.6), antonyms and look-alikes left out by hand."""
    text = resources.files("ragtune.models.nano").joinpath("neighbours.txt").read_text("utf-8")
    return {word: near.split() for word, _, near in (line.partition(": ") for line in text.splitlines())}


def vary(rng: Random, text: str, share: float, near: bool = False) -> str:
    """``text`` with some words swapped for synonyms, or with ``near`` for neighbours too: each eligible word with probability ``share``."""
    if near:
        return _vary_near(rng, text, share)
    words = text.split(" ")
    for i, word in enumerate(words):
        tail = word[len(word.rstrip("?,.:")) :]
        core = word[: len(word) - len(tail)]
        for row in SYNONYMS:
            if core in row and rng.random() < share:
                words[i] = rng.choice(row) + tail
                break
    return " ".join(words)


@lru_cache(maxsize=4096)
def _others(word: str) -> tuple[str, ...]:
    row = next((row for row in SYNONYMS if word in row), [])
    return (*row, *(near for near in neighbours().get(word, []) if near not in row))


def _vary_near(rng: Random, text: str, share: float) -> str:
    # draws once a word, where vary draws once a row: apart, so that the first leg's data stays what it was
    words = text.split(" ")
    for i, word in enumerate(words):
        core = word.rstrip("?,.:")
        others = _others(core)
        if others and rng.random() < share:
            words[i] = rng.choice(others) + word[len(core) :]
    return " ".join(words)
