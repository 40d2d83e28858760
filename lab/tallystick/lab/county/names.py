"""Names of a made-up county: surnames and given names by origin, nicknames, and spellings that sound alike.

The lists are short and written for this generator. Origins differ in how names are recorded (two surnames, apostrophes,
diacritics), which is why linkage errors fall on them unequally.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Origin:
    """Names of one origin; the first of each list are the most common.

    Attributes:
        share: of the county's people.
        two_surnames: share of its people who carry two.
        care: how much likelier than average its names are misspelt by clerks.
    """

    name: str
    share: float
    two_surnames: float
    care: float
    surnames: tuple[str, ...]
    women: tuple[str, ...]
    men: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in text.split())


ORIGINS: Final[tuple[Origin, ...]] = (
    Origin(
        "english",
        0.42,
        0.01,
        0.8,
        _words(
            """
            Smith Johnson Miller Davis Wilson Anderson Taylor Moore Martin Thompson White Harris Clark Lewis
            Walker Hall Allen Young King Wright Hill Scott Green Adams Baker Nelson Carter Mitchell Roberts
            Turner Phillips Campbell Parker Evans Edwards Collins Stewart Morris Rogers Reed Cook Morgan Bell
            Murphy Bailey Cooper Richardson Cox Ward Peterson Gray James Watson Brooks Kelly Price Bennett Wood
            Barnes Ross Henderson Coleman Jenkins Perry Powell Long Hughes Butler Simmons Foster O'Brien
            O'Connor O'Neal McDonald McCarthy MacLeod Schneider Hoffman Becker Larson Olson Hansen D'Amico Russo
            Kowalski Nowak
            """
        ),
        _words(
            """
            Jennifer Jessica Ashley Amanda Sarah Elizabeth Nicole Stephanie Melissa Heather Megan Rachel
            Katherine Christine Rebecca Emily Hannah Abigail Samantha Victoria Margaret Deborah Susan Patricia
            Barbara Theresa Kimberly Cynthia Olivia Emma Sophie Grace Charlotte Lily Zoe Jacqueline
            """
        ),
        _words(
            """
            Michael Christopher Matthew Joshua David James Daniel Robert John Joseph Andrew Ryan William Thomas
            Jonathan Nicholas Anthony Timothy Benjamin Samuel Gregory Edward Richard Charles Steven Kenneth
            Jacob Ethan Noah Logan Lucas Owen Henry Alexander Zachary Nathaniel
            """
        ),
    ),
    Origin(
        "african-american",
        0.20,
        0.02,
        1.0,
        _words(
            """
            Williams Johnson Jones Brown Jackson Robinson Thomas Washington Jefferson Davis Harris Lewis Walker
            Coleman Banks Booker Freeman Gaines Grant Hampton Hawkins Holloway Ivory Joseph Lawson Mosley
            Muhammad Pettway Pinkney Randolph Rucker Singletary Spears Staton Tate Tillman Vance Wheeler
            Whitfield Winston Yarborough Broussard Batiste DuBois
            """
        ),
        _words(
            """
            Aaliyah Keisha Latoya Tamika Ebony Imani Jasmine Kiara Monique Nia Precious Raven Shanice Tiara
            Destiny Brianna Kayla Aniyah Deja Essence Gloria Ruby Dorothy Yolanda Denise Angela Tanisha LaShawn
            Janelle Makayla
            """
        ),
        _words(
            """
            Darnell Jamal Malik Terrence Andre Marcus Tyrone DeShawn Jalen Isaiah Elijah Xavier Reginald Curtis
            Leroy Clarence Jermaine Lamar Maurice Rashad Kendrick Antoine Cedric Demetrius Jaylen Khalil Trevon
            Willie Roosevelt D'Angelo
            """
        ),
    ),
    Origin(
        "hispanic",
        0.22,
        0.38,
        1.7,
        _words(
            """
            García Rodríguez Martínez Hernández López González Pérez Sánchez Ramírez Torres Flores Rivera Gómez
            Díaz Reyes Morales Cruz Ortiz Gutiérrez Chávez Ramos Ruiz Álvarez Mendoza Vásquez Castillo Jiménez
            Moreno Romero Herrera Medina Aguilar Vargas Castro Guzmán Muñoz Salazar Soto Delgado Peña Ríos
            Contreras Núñez Ibáñez Cabrera Maldonado Acosta De_la_Cruz Del_Río Quiñones Zúñiga Villaseñor
            """
        ),
        _words(
            """
            María Guadalupe Rosa Ana Carmen Lucía Sofía Valentina Camila Gabriela Daniela Alejandra Verónica
            Mónica Leticia Esperanza Dolores Yesenia Marisol Ximena Araceli Isabel Elena Patricia Silvia
            Josefina Beatriz Concepción Ángela Inés
            """
        ),
        _words(
            """
            José Juan Luis Carlos Jesús Miguel Jorge Francisco Antonio Alejandro Manuel Ricardo Fernando Roberto
            Eduardo Javier Sergio Raúl Rubén Ángel Diego Mateo Santiago Emiliano Andrés Ramón Ignacio Guillermo
            Tomás Joaquín
            """
        ),
    ),
    Origin(
        "vietnamese",
        0.06,
        0.0,
        1.8,
        _words(
            """
            Nguyen Tran Le Pham Huynh Hoang Phan Vu Vo Dang Bui Do Ho Ngo Duong Ly Dinh Truong Lam Mai Trinh
            Luong Thach Vang Xiong Yang Thao Moua Lor Her
            """
        ),
        _words(
            """
            Linh Anh Huong Thuy Mai Lan Trang Ngoc Phuong Hoa Kim Yen Thao Tuyet Hanh Mee Pa_Houa Kalia Mai_See
            Bao
            """
        ),
        _words(
            """
            Minh Tuan Hung Dung Long Son Thanh Vinh Quang Duc Hieu Khanh Phuc Tai Binh Tou Xeng Chue Kou Pao
            """
        ),
    ),
    Origin(
        "east-african-and-arabic",
        0.05,
        0.04,
        2.0,
        _words(
            """
            Mohamed Ahmed Ali Hassan Abdi Hussein Omar Ibrahim Yusuf Warsame Farah Jama Nur Osman Abdullahi
            Mahmoud El-Sayed Al-Hashimi Haddad Khoury Mansour Nasser Saleh Tesfaye Bekele Girma Kebede Haile
            Tadesse Abebe
            """
        ),
        _words(
            """
            Fatima Amina Khadija Hodan Sahra Halima Zainab Maryam Layla Noor Hibo Ifrah Asha Rahma Selam Hiwot
            Meron Tigist Aisha Yasmin
            """
        ),
        _words(
            """
            Mohamed Abdi Ahmed Omar Ali Ibrahim Yusuf Hassan Khalid Mustafa Tariq Bilal Abdirahman Liban Samir
            Dawit Yonas Abel Elias Karim
            """
        ),
    ),
    Origin(
        "south-and-east-asian",
        0.05,
        0.02,
        1.4,
        _words(
            """
            Patel Singh Kaur Khan Shah Sharma Gupta Reddy Rao Das Wang Li Zhang Chen Liu Huang Wu Lin Kim Lee
            Park Choi Jung Kang Tanaka Sato Santos Bautista Villanueva Macaraeg
            """
        ),
        _words(
            """
            Priya Anjali Sunita Deepa Kavita Mei Xiu Jing Yan Li_Na Ji-woo Min-seo Hana Yuki Maricel Jocelyn
            Rowena Neha Pooja Harpreet
            """
        ),
        _words(
            """
            Raj Arjun Vikram Sanjay Amit Wei Jun Hao Ming Tao Min-jun Seo-jun Kenji Hiroshi Rodel Jun-Jun
            Gurpreet Imran Faisal Rahul
            """
        ),
    ),
)

NICKNAMES: Final[dict[str, str]] = dict(
    pair.split(":")
    for pair in _words(
        """
        Jennifer:Jenny Jessica:Jess Amanda:Mandy Sarah:Sally Elizabeth:Liz Nicole:Nikki Stephanie:Steph
        Melissa:Missy Megan:Meg Katherine:Kathy Christine:Chris Rebecca:Becky Abigail:Abby Samantha:Sam
        Victoria:Vicky Margaret:Peggy Deborah:Debbie Susan:Sue Patricia:Patty Barbara:Barb Theresa:Terry
        Kimberly:Kim Cynthia:Cindy Jacqueline:Jackie Michael:Mike Christopher:Chris Matthew:Matt Joshua:Josh
        David:Dave James:Jim Daniel:Dan Robert:Bob Joseph:Joe Andrew:Andy William:Bill Thomas:Tom Jonathan:Jon
        Nicholas:Nick Anthony:Tony Timothy:Tim Benjamin:Ben Samuel:Sam Gregory:Greg Edward:Ed Richard:Rick
        Charles:Chuck Steven:Steve Kenneth:Ken Jacob:Jake Alexander:Alex Zachary:Zach Nathaniel:Nate
        Jasmine:Jazz Brianna:Bri Terrence:Terry Reginald:Reggie Guadalupe:Lupe María:Mari Gabriela:Gaby
        Daniela:Dani Alejandra:Ale Leticia:Lety Dolores:Lola Josefina:Pepa Concepción:Concha José:Pepe
        Francisco:Paco Ignacio:Nacho Guillermo:Memo Jesús:Chuy Eduardo:Lalo Antonio:Toño Roberto:Beto
        Manuel:Manny Alejandro:Alex Mohamed:Mo
        """
    )
)

SOUNDS: Final[tuple[tuple[str, str], ...]] = (
    ("ph", "f"),
    ("ck", "k"),
    ("ie", "y"),
    ("ee", "ea"),
    ("ll", "l"),
    ("nn", "n"),
    ("tt", "t"),
    ("ss", "s"),
    ("z", "s"),
    ("c", "k"),
    ("v", "b"),
    ("y", "i"),
    ("w", "u"),
    ("th", "t"),
    ("s", "z"),
    ("i", "e"),
    ("o", "u"),
    ("n", "m"),
)
"""Spellings that a clerk hears as one another; the first that occurs after the first letter is replaced."""
