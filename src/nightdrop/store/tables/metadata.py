"""The one MetaData of our tables."""

import sqlalchemy as sa

metadata = sa.MetaData()
